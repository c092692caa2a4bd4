package poll

import (
	"errors"
	"io"
)

// descriptor is a socket that is read and written without waiting.
type descriptor interface {
	// tryRead and tryWrite do what can be done at once; what cannot is errAgain,
	// of a write behind the bytes that went.
	tryRead(b []byte) (int, error)
	tryWrite(b []byte) (int, error)
}

// again is the error of what cannot be done at once. It is temporary, as
// crypto/tls wants it: others would be the end of a TLS connection.
type again struct{}

var errAgain error = again{}

// Error makes again an error; with Timeout and Temporary it is a net.Error.
func (again) Error() string   { return "poll: not now" }
func (again) Timeout() bool   { return true }
func (again) Temporary() bool { return true }

// readsAtOnce is how many reads one client has before others have a turn.
const readsAtOnce = 4

// read is what TLS, or nothing, reads from below.
func (l *Line) read(b []byte) (int, error) {
	if l.direct == nil {
		return l.sock.Conn.Read(b)
	}
	n, err := l.direct.tryRead(b)
	if n == 0 && err == nil && len(b) > 0 {
		err = io.EOF
	}
	return n, err
}

// readable reads what has come, by way of buf, and tells the handler. It reports
// whether there may be more. It is called by one goroutine.
func (l *Line) readable(buf []byte) (more bool) {
	for range readsAtOnce {
		if l.ended.Load() {
			return false
		}
		n, err := l.top.Read(buf)
		if n > 0 {
			l.handler.Receive(buf[:n])
		}
		if errors.Is(err, errAgain) {
			return false
		}
		if err != nil {
			l.gone(err)
			return false
		}
	}
	return true
}

// writable sends what is pending, and tells the handler when that is nothing any
// more, or closes the line that waited for it.
func (l *Line) writable() {
	l.mu.Lock()
	waited := l.waits.Load()
	if waited {
		l.send()
	}
	done, closing, err := waited && !l.waits.Load(), l.closing, l.err
	l.mu.Unlock()
	l.sent(done, closing, err)
}

// sent follows an attempt to send what was pending.
func (l *Line) sent(done, closing bool, err error) {
	switch {
	case closing && (done || err != nil):
		l.Cut()
	case err != nil:
		l.gone(err)
	case done:
		l.handler.Sent()
	}
}
