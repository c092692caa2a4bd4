package transport

import (
	"errors"
	"net/http"
	"os"
)

// unbroken is an answer on HTTP/3 that knows whether it broke off because its
// client took nothing. Http3 would end it in order then, within a frame, for
// which a client has to give up the whole connection with whatever else is open
// on it (RFC 9114, section 7.1).
type unbroken struct {
	http.ResponseWriter
	late bool
}

// Write implements io.Writer.
func (u *unbroken) Write(b []byte) (int, error) {
	n, err := u.ResponseWriter.Write(b)
	return n, u.note(err)
}

// FlushError is what http.ResponseController flushes by.
func (u *unbroken) FlushError() error {
	return u.note(http.NewResponseController(u.ResponseWriter).Flush())
}

// Unwrap is for http.ResponseController.
func (u *unbroken) Unwrap() http.ResponseWriter { return u.ResponseWriter }

func (u *unbroken) note(err error) error {
	u.late = u.late || errors.Is(err, os.ErrDeadlineExceeded)
	return err
}

// end is called when the handler has returned. It resets the stream of an
// answer that broke off.
func (u *unbroken) end() {
	if u.late {
		panic(http.ErrAbortHandler)
	}
}
