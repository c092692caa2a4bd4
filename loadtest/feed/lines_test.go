package feed

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestLines reads frames however they are cut, also those longer than a buffer.
func TestLines(t *testing.T) {
	long := `{"value":"` + strings.Repeat("x", 3*smallest) + `"}`
	want := []string{`{"live":true}`, long, `{"ping":true}`}
	for name, c := range map[string]struct {
		sse  bool
		text string
	}{
		"ndjson": {false, want[0] + "\n\n" + want[1] + "\r\n" + want[2] + "\n"},
		"sse":    {true, "data: " + want[0] + "\nid: a.1\n\n: x\ndata:" + want[1] + "\n\nid: a.2\n\ndata: " + want[2] + "\n\n"},
	} {
		for cut, r := range map[string]io.Reader{
			"whole": strings.NewReader(c.text), "bytes": iotest.OneByteReader(strings.NewReader(c.text)),
			"halves": iotest.HalfReader(strings.NewReader(c.text)), "with the error": iotest.DataErrReader(strings.NewReader(c.text)),
		} {
			l := &lineFrames{window: newWindow(r), sse: c.sse}
			for _, w := range want {
				if got, err := l.Next(); err != nil || string(got) != w {
					t.Fatalf("%s, %s: %.40q, %v, want %.40q", name, cut, got, err, w)
				}
			}
			if _, err := l.Next(); !errors.Is(err, io.EOF) {
				t.Errorf("%s, %s: ended with %v", name, cut, err)
			}
			if len(l.buf) > 8*smallest {
				t.Errorf("%s, %s: buffer of %d bytes", name, cut, len(l.buf))
			}
		}
	}
}

// TestTooLong gives up on a frame that has no end.
func TestTooLong(t *testing.T) {
	l := &lineFrames{window: newWindow(bytes.NewReader(bytes.Repeat([]byte("x"), maxFrame+1)))}
	if _, err := l.Next(); !errors.Is(err, errTooLong) {
		t.Error(err)
	}
}

// TestWebSocketFrames reads messages of each form of length.
func TestWebSocketFrames(t *testing.T) {
	short, middle := `{"live":true}`, strings.Repeat("m", 300)
	long := strings.Repeat("l", 70_000)
	var b bytes.Buffer
	b.WriteString("\x81\x0d" + short)
	b.WriteString("\x81\x7e\x01\x2c" + middle)
	b.WriteString("\x8a\x00") // a pong is passed over
	b.WriteString("\x81\x7f\x00\x00\x00\x00\x00\x01\x11\x70" + long)
	b.WriteString("\x88\x02\x03\xe9")
	s := &webSocket{window: newWindow(iotest.HalfReader(&b))}
	for _, want := range []string{short, middle, long} {
		if got, err := s.Next(); err != nil || string(got) != want {
			t.Fatalf("%.40q, %v", got, err)
		}
	}
	if _, err := s.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("ended with %v", err)
	}
	for _, bad := range []string{"\x01\x00", "\x81\x80", "\x82\x00", "\x8b\x00", "\xc1\x00", "\x88\x04\x03\xeano", "\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"} {
		s := &webSocket{window: newWindow(strings.NewReader(bad))}
		if _, err := s.Next(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// FuzzWebSocket takes any bytes without harm.
func FuzzWebSocket(f *testing.F) {
	f.Add([]byte("\x81\x02{}\x88\x00"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		s := &webSocket{window: newWindow(bytes.NewReader(b))}
		for {
			op, _, err := s.frame()
			if err != nil || op == opClose {
				return
			}
		}
	})
}

// TestSources are addresses of this machine, each for so many connections.
func TestSources(t *testing.T) {
	s := sources{loopback: true}
	seen := map[string]int{}
	for range 1000 * perSource {
		a := s.next()
		if !a.IsLoopback() || a.As4()[3] == 0 || a.As4()[3] == 255 {
			t.Fatal(a)
		}
		seen[a.String()]++
	}
	if len(seen) != 1000 {
		t.Errorf("%d addresses", len(seen))
	}
	for a, n := range seen {
		if n != perSource {
			t.Errorf("%s is used %d times", a, n)
		}
	}
	if a := (&sources{}).next(); a.IsValid() {
		t.Errorf("a hub elsewhere is dialled from %v", a)
	}
}
