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
		if wait := q.wait(r); wait > 0 {
			setRetryAfter(w.Header(), wait)
			q.writeError(w, r, TooFast.fault())
			return
		}
		network := auth.Network(parseAddr(r.RemoteAddr))
		if !q.begin(network) {
			setRetryAfter(w.Header(), refusedRetry)
			q.writeError(w, r, errManyRequests())
			return
		}
		defer q.end(network)
		if r.Method == http.MethodConnect {
			r = r.WithContext(context.WithValue(r.Context(), requestsKey{}, q))
		}
		next.ServeHTTP(w, r)
	})
}

func errManyRequests() error {
	return event.Errorf(event.Unavailable, "your address has as many feeds and other requests open as it may; close some, or try again in a few seconds")
}

func (q *requests) begin(network netip.Prefix) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open[network] >= requestsOpen {
		q.refused[TooManyFromAddress]++
		return false
	}
	q.open[network]++
	return true
}

func (q *requests) end(network netip.Prefix) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open[network]--; q.open[network] == 0 {
		delete(q.open, network)
	}
}

// wait counts a request from r's address, or returns how long it is too early.
func (q *requests) wait(r *http.Request) time.Duration {
	addr := parseAddr(r.RemoteAddr)
	if local(addr) {
		return 0
	}
	wait := q.rates.Wait(auth.Network(addr), time.Now())
	if wait > 0 {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.refused[TooFast]++
	}
	return wait
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
	if q.wait(r) > 0 {
		return nil, TooFast.fault()
	}
	network := auth.Network(parseAddr(r.RemoteAddr))
	if !q.begin(network) {
		return nil, errManyRequests()
	}
	return func() { q.end(network) }, nil
}
