package transport

import (
	"io"
	"net/http"
	"time"
)

const (
	// discardMost is how much of a body is taken that nobody asked for: what a
	// person might send by mistake, a photograph, and no film.
	discardMost = 8 << 20
	// discardWithin is how long that may take.
	discardWithin = 5 * time.Second
)

// readToTheEnd takes what a handler has left of an HTTP/2 request's body before
// the answer ends. Otherwise net/http resets the stream behind the answer (RFC
// 9113, section 8.1), and clients that are still sending, curl among them, show
// the reset instead of what the answer says. On HTTP/1.1 net/http does its own.
func readToTheEnd(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		if r.ProtoMajor != 2 || r.Body == http.NoBody {
			return
		}
		// A deadline that has passed is final: a body that was given up on is
		// not waited for again.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(discardWithin))
		_, _ = io.CopyN(io.Discard, r.Body, discardMost) // what is left over is reset
	})
}
