package ws

import (
	"bufio"
	"bytes"
	"strings"
	"testing"

	"everything.local/transport/transporttest"
)

func TestAppendFrame(t *testing.T) {
	for _, tt := range []struct {
		n    int
		head string
	}{
		{0, "\x81\x00"},
		{1, "\x81\x01"},
		{125, "\x81\x7d"},
		{126, "\x81\x7e\x00\x7e"},
		{65535, "\x81\x7e\xff\xff"},
		{65536, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"},
	} {
		frame := strings.Repeat("x", tt.n)
		got := Wire{}.AppendFrame([]byte("before"), []byte(frame), "k3f9.7")
		if string(got) != "before"+tt.head+frame {
			t.Errorf("%d bytes: got %.30q", tt.n, got)
		}
	}
}

// TestAppendFrameInPlace: the frame may lie in the buffer that it is appended to.
func TestAppendFrameInPlace(t *testing.T) {
	b := append(make([]byte, 0, 1<<10), `{"live":true}{"ping":true}`...)
	b = Wire{}.AppendFrame(b, b[:13], "")
	b = Wire{}.AppendFrame(b, b[13:26], "")
	r := bufio.NewReader(bytes.NewReader(b[26:]))
	for _, want := range []string{`{"live":true}`, `{"ping":true}`} {
		f, err := readServerFrame(r)
		if err != nil || f.op != opText || string(f.payload) != want {
			t.Errorf("got %v, %v, want %s", f, err, want)
		}
	}
}

func FuzzAppendFrame(f *testing.F) {
	transporttest.FuzzFraming(f, Wire{}, transporttest.ReadWebSocket, false)
}
