package client

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// framesOf reads frames of a text until it ends.
func framesOf(text string, read func(answer) ([]byte, error)) (frames []string, err error) {
	a := answer{lines: newLines(iotest.OneByteReader(strings.NewReader(text)))}
	for {
		f, err := read(a)
		if err != nil {
			return frames, err
		}
		frames = append(frames, string(f))
	}
}

func readNDJSON(a answer) ([]byte, error) { return ndjson{a}.next() }
func readSSE(a answer) ([]byte, error)    { return sse{a}.next() }

// TestFraming holds how frames are told apart on the wires that are text.
func TestFraming(t *testing.T) {
	for _, c := range []struct {
		name, text string
		read       func(answer) ([]byte, error)
		want       string
	}{
		{"lines", "{1}\n{2}\r\n\n{3}\n", readNDJSON, "{1}|{2}|{3}"},
		{"last line without an end", "{1}\n{2}", readNDJSON, "{1}|{2}"},
		{"events", "id: e.1\ndata: {1}\n\n:a comment\n\ndata:{2}\r\n\r\n", readSSE, "{1}|{2}"},
		{"an event in two lines", "data: {\ndata: }\n\n", readSSE, "{\n}"},
		{"an id alone", "id: e.4\n\ndata: {1}\n\n", readSSE, "{1}"},
		{"an event cut short", "data: {1}\n\ndata: {2}\n", readSSE, "{1}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			frames, err := framesOf(c.text, c.read)
			if got := strings.Join(frames, "|"); got != c.want || !errors.Is(err, io.EOF) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// TestFramesAreBounded holds that no hub fills the client's memory.
func TestFramesAreBounded(t *testing.T) {
	long := bytes.Repeat([]byte("x"), maxFrame+1)
	for name, read := range map[string]func(answer) ([]byte, error){"ndjson": readNDJSON, "sse": readSSE} {
		if _, err := read(answer{lines: newLines(bytes.NewReader(append([]byte("data: "), long...)))}); !errors.Is(err, errFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
	many := bytes.Repeat([]byte("data: 0123456789abcdef\n"), maxFrame/16+1)
	if _, err := readSSE(answer{lines: newLines(bytes.NewReader(many))}); !errors.Is(err, errFrame) {
		t.Errorf("in many lines: %v", err)
	}
}
