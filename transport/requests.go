package transport

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"everything.local/auth"
)

// How many requests one address may send, on all protocols together. A café
// behind one NAT may open a hundred pages at once, of fifty requests each, and
// order as fast as a hub of its size can take orders; one flood of requests
// takes no more than a part of a core.
const (
	requestsPerSecond = 500
	requestsAtOnce    = 5000
)

// requests limits the rate of requests.
type requests struct {
	rates      *auth.Limiter
	refused    atomic.Uint64
	writeError func(http.ResponseWriter, *http.Request, error)
}

func newRequests(writeError func(http.ResponseWriter, *http.Request, error)) *requests {
	return &requests{
		rates:      auth.NewLimiter(auth.Limit{PerSecond: requestsPerSecond, Burst: requestsAtOnce}),
		writeError: writeError,
	}
}

// limit answers 429 to those who send too many.
func (q *requests) limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wait := q.wait(r); wait > 0 {
			setRetryAfter(w.Header(), wait)
			q.writeError(w, r, TooFast.fault())
			return
		}
		if r.Method == http.MethodConnect {
			r = r.WithContext(context.WithValue(r.Context(), requestsKey{}, q))
		}
		next.ServeHTTP(w, r)
	})
}

// wait counts a request from r's address, or returns how long it is too early.
func (q *requests) wait(r *http.Request) time.Duration {
	addr := parseAddr(r.RemoteAddr)
	if local(addr) {
		return 0
	}
	wait := q.rates.Wait(auth.Network(addr), time.Now())
	if wait > 0 {
		q.refused.Add(1)
	}
	return wait
}

type requestsKey struct{}

// CountRequest counts another request from the address of r, an extended
// CONNECT, for an Upgrade on which one such leads to several subscriptions.
// Over the limit it returns an *event.Error with code TooManyRequests.
func CountRequest(r *http.Request) error {
	if q, ok := r.Context().Value(requestsKey{}).(*requests); ok && q.wait(r) > 0 {
		return TooFast.fault()
	}
	return nil
}
