package transport

import (
	"bytes"
	"errors"
	"io"

	"everything.local/event"
)

// Lines reads what a client says on a stream, a line at a time. Between lines
// it holds no memory: most clients say one and are silent from then on.
type Lines struct {
	r   io.Reader
	buf []byte // read and not yet returned
	// searched is how much of buf is known to hold no end of line.
	searched int
	err      error
}

// NewLines returns a reader of the lines of r.
func NewLines(r io.Reader) *Lines { return &Lines{r: r} }

// firstRead in bytes is enough for a subscription without a token.
const firstRead = 512

// Next returns the next line without its end, which is \n or \r\n, or is
// missing at the end of the stream. It is valid until the next call. A line
// over MaxLine is an *event.Error with code TooLarge; other errors are those of
// the stream, io.EOF at its end.
func (l *Lines) Next() ([]byte, error) {
	for {
		if i := bytes.IndexByte(l.buf[l.searched:], '\n'); i >= 0 {
			return l.cut(l.searched+i, 1)
		}
		l.searched = len(l.buf)
		switch {
		case len(l.buf) > MaxLine:
			return nil, errLongLine()
		case errors.Is(l.err, io.EOF) && len(l.buf) > 0:
			return l.cut(len(l.buf), 0)
		case l.err != nil:
			return nil, l.err
		}
		l.fill()
	}
}

// cut takes n bytes, and skip more, off the buffer.
func (l *Lines) cut(n, skip int) ([]byte, error) {
	line := l.buf[:n]
	l.buf, l.searched = l.buf[n+skip:], 0
	if len(l.buf) == 0 {
		l.buf = nil
	}
	if len(line) > MaxLine {
		return nil, errLongLine()
	}
	return bytes.TrimSuffix(line, []byte{'\r'}), nil
}

func (l *Lines) fill() {
	if len(l.buf) == cap(l.buf) {
		l.buf = append(make([]byte, 0, max(firstRead, 2*len(l.buf))), l.buf...)
	}
	var n int
	n, l.err = l.r.Read(l.buf[len(l.buf):cap(l.buf)])
	l.buf = l.buf[:len(l.buf)+n]
}

func errLongLine() error {
	return event.Errorf(event.TooLarge, "a line of a feed has %d bytes at most", MaxLine)
}
