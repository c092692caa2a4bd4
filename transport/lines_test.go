package transport

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"everything.local/event"
)

// readLines reads lines to the end of r.
func readLines(r io.Reader) (lines []string, err error) {
	for l := NewLines(r); ; {
		line, err := l.Next()
		if err != nil {
			return lines, err
		}
		lines = append(lines, string(line))
	}
}

func TestLines(t *testing.T) {
	longest := strings.Repeat("x", MaxLine)
	for _, tt := range []struct {
		name, in string
		want     []string
		code     event.Code
	}{
		{"nothing", "", nil, ""},
		{"two lines and a part", "a\nb\r\nc", []string{"a", "b", "c"}, ""},
		{"empty lines", "\n\r\n", []string{"", ""}, ""},
		{"longest", longest + "\nb\n", []string{longest, "b"}, ""},
		{"longest without an end", longest, []string{longest}, ""},
		{"too long", longest + "x\n", nil, event.TooLarge},
		{"too long without an end", longest + "xx", nil, event.TooLarge},
	} {
		for how, r := range map[string]io.Reader{
			"at once":      strings.NewReader(tt.in),
			"byte by byte": iotest.OneByteReader(strings.NewReader(tt.in)),
			"data and EOF": iotest.DataErrReader(strings.NewReader(tt.in)),
		} {
			got, err := readLines(r)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", tt.name, how, diff)
			}
			if tt.code == "" && !errors.Is(err, io.EOF) || tt.code != "" && event.CodeOf(err) != tt.code {
				t.Errorf("%s, %s: ended with %v, want %s", tt.name, how, err, tt.code)
			}
		}
	}
}

// TestLinesHoldNothing: a silent stream costs no buffer.
func TestLinesHoldNothing(t *testing.T) {
	l := NewLines(strings.NewReader("{}\n"))
	if _, err := l.Next(); err != nil {
		t.Fatal(err)
	}
	if cap(l.buf) > 0 {
		t.Errorf("holds %d bytes between lines", cap(l.buf))
	}
}

// FuzzLines reads what opens a stream, however it arrives: the same lines come
// out, and no more is held than a line may have.
func FuzzLines(f *testing.F) {
	f.Add([]byte(`{"topics":"menu"}`+"\n"), uint8(1))
	f.Add([]byte("a\r\n\nb"), uint8(3))
	f.Add(bytes.Repeat([]byte("x"), MaxLine+2), uint8(200))
	f.Fuzz(func(t *testing.T, in []byte, step uint8) {
		whole, wholeErr := readLines(bytes.NewReader(in))
		parts, partsErr := readLines(&stepped{bytes.NewReader(in), int(step) + 1})
		if diff := cmp.Diff(whole, parts); diff != "" {
			t.Fatalf("in steps of %d (-whole +parts):\n%s", int(step)+1, diff)
		}
		if wholeErr.Error() != partsErr.Error() {
			t.Fatalf("ended with %v, in steps with %v", wholeErr, partsErr)
		}
		for _, line := range whole {
			if len(line) > MaxLine {
				t.Fatalf("a line of %d bytes", len(line))
			}
		}
	})
}

// stepped reads a few bytes at a time.
type stepped struct {
	r    io.Reader
	most int
}

// Read implements io.Reader.
func (s *stepped) Read(b []byte) (int, error) { return s.r.Read(b[:min(len(b), s.most)]) }
