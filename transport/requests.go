package transport

import (
	"context"
	"maps"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"everything.local/auth"
	"everything.local/event"
)

// How many requests one address may send, on all protocols together. A café
// behind one NAT may open a hundred pages at once, of fifty requests each, and
// order as fast as a hub of its size can take orders; one flood of requests
// takes no more than a part of a core.
const (
	requestsPerSecond = 500
	requestsAtOnce    = 5000
)

// requestsOpen is how many requests one address may have open at once, feeds
// above all: a quarter of all feeds, or nobody else could have any.
const requestsOpen = DefaultMaxFeeds / 4

// requests limits the requests of each address: how many it sends and how many
// it has open.
type requests struct {
	rates      *auth.Limiter
	writeError func(http.ResponseWriter, *http.Request, error)

	mu      sync.Mutex
	open    map[netip.Prefix]int
	refused map[Refusal]uint64
}

func newRequests(writeError func(http.ResponseWriter, *http.Request, error)) *requests {
	return &requests{
		rates:      auth.NewLimiter(auth.Limit{PerSecond: requestsPerSecond, Burst: requestsAtOnce}),
		writeError: writeError,
		open:       make(map[netip.Prefix]int),
		refused:    map[Refusal]uint64{TooFast: 0, TooManyFromAddress: 0},
	}
}

// limit answers 429 to those who send too many, and 503 to those who have too
// many open.
func (q *requests) limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		end, retry, err := q.admit(r)
		if err != nil {
			setRetryAfter(w.Header(), retry)
			q.writeError(w, r, err)
			return
		}
		defer stayOf(r).leave(end)
		if r.Method == http.MethodConnect {
			r = r.WithContext(context.WithValue(r.Context(), requestsKey{}, q))
		}
		next.ServeHTTP(w, r)
	})
}

// admit counts a request from the address of r, and one more that it has open
// until end is called. Over a limit it returns an *event.Error with code
// TooManyRequests or Unavailable, and when to try again.
func (q *requests) admit(r *http.Request) (end func(), retry time.Duration, err error) {
	addr := parseAddr(r.RemoteAddr)
	network := auth.Network(addr)
	if !local(addr) {
		retry = q.rates.Wait(network, time.Now())
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case retry > 0:
		q.refused[TooFast]++
		return nil, retry, TooFast.fault()
	case q.open[network] >= requestsOpen:
		q.refused[TooManyFromAddress]++
		return nil, refusedRetry, event.Errorf(event.Unavailable, "your address has as many feeds and other requests open as it may; close some, or try again in a few seconds")
	}
	change(q.open, network, 1)
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		change(q.open, network, -1)
	}, 0, nil
}

// stats returns how many were refused since the start.
func (q *requests) stats() map[Refusal]uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return maps.Clone(q.refused)
}

type requestsKey struct{}

// CountRequest counts another request from the address of r, an extended
// CONNECT, for an Upgrade on which one such leads to several subscriptions. End
// is to be called when it is over. Over a limit it returns an *event.Error with
// code TooManyRequests or Unavailable.
func CountRequest(r *http.Request) (end func(), err error) {
	q, ok := r.Context().Value(requestsKey{}).(*requests)
	if !ok {
		return func() {}, nil
	}
	end, _, err = q.admit(r)
	return end, err
}
