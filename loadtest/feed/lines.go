package feed

import (
	"bytes"
	"errors"
	"io"
	"time"
)

const (
	// smallest is a reader's buffer while its frames fit: there are thousands.
	smallest = 4 << 10
	// maxFrame bounds a frame: a menu item with all its options has less.
	maxFrame = 1 << 20
)

var errTooLong = errors.New("a frame of the feed is longer than 1 MiB")

// window is what has been read and not been given out.
type window struct {
	r       io.Reader
	buf     []byte
	at, end int
	// came is when the last of it was read.
	came time.Time
}

func newWindow(r io.Reader) window { return window{r: r, buf: make([]byte, smallest)} }

// more reads on. It keeps what is between at and end, and may move it.
func (w *window) more() error {
	switch {
	case w.at == w.end:
		if w.at, w.end = 0, 0; len(w.buf) > smallest {
			w.buf = make([]byte, smallest)
		}
	case w.end == len(w.buf) && w.at > 0:
		w.end = copy(w.buf, w.buf[w.at:w.end])
		w.at = 0
	case w.end == len(w.buf):
		if len(w.buf) >= maxFrame {
			return errTooLong
		}
		w.buf = append(w.buf, make([]byte, len(w.buf))...)
	}
	n, err := w.r.Read(w.buf[w.end:])
	w.came = time.Now()
	w.end += n
	if n > 0 {
		return nil // an error comes again
	}
	return err
}

// Came implements Stream.
func (w *window) Came() time.Time { return w.came }

// line returns the next line without its end, good until the next call.
func (w *window) line() ([]byte, error) {
	for searched := 0; ; {
		if i := bytes.IndexByte(w.buf[w.at+searched:w.end], '\n'); i >= 0 {
			line := w.buf[w.at : w.at+searched+i]
			w.at += len(line) + 1
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		searched = w.end - w.at
		if err := w.more(); err != nil {
			return nil, err
		}
	}
}

// lineFrames are frames in lines: NDJSON, and SSE with sse set.
type lineFrames struct {
	window

	sse bool
}

// Next implements Stream.
func (l *lineFrames) Next() ([]byte, error) {
	for {
		line, err := l.line()
		if err != nil {
			return nil, err
		}
		if l.sse {
			data, ok := bytes.CutPrefix(line, []byte("data:"))
			if !ok {
				continue // id: and what ends an event
			}
			line = bytes.TrimPrefix(data, []byte(" "))
		}
		if len(line) > 0 {
			return line, nil
		}
	}
}
