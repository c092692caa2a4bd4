package transport

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"everything.local/event"
)

// refusedFor bounds a connection that is open only to be told why it is
// refused, so that it does not take the place of the next.
const refusedFor = 5 * time.Second

// refusedRetry is when one that was refused should try again: others have left
// by then, and the rates allow some.
const refusedRetry = 5 * time.Second

// turnAway answers the requests of refused connections.
func turnAway(next http.Handler, writeError func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := r.Context().Value(connKey{}).(*conn)
		if !ok || c.refused == "" {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Connection", "close")
		setRetryAfter(w.Header(), refusedRetry)
		writeError(w, r, c.refused.fault())
	})
}

// fault is what a refused client is told.
func (why Refusal) fault() error {
	switch why {
	case TooFast:
		return event.Errorf(event.TooManyRequests, "too much too fast from this address; keep connections open, and try again in a few seconds")
	case NoMemory:
		return event.Errorf(event.Unavailable, "this hub is short of memory and lets nobody new in; try again in a few seconds")
	case TooManyFeeds:
		return event.Errorf(event.Unavailable, "this hub serves as many feeds as it can; close one that is not looked at, or try again in a moment")
	default:
		return event.Errorf(event.Unavailable, "this hub has as many connections as it can serve, in all or from your address; close some, or try again in a few seconds")
	}
}

// setRetryAfter sets Retry-After (RFC 9110, section 10.2.3), in whole seconds.
func setRetryAfter(h http.Header, d time.Duration) {
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(d.Seconds()))))
}
