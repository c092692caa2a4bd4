package client

import (
	"context"
	"errors"
	"slices"
	"sync"
	"syscall"
	"time"

	"everything.local/event"
)

// preference is the order in which Auto tries wires, best first. Who can read
// SSE can read NDJSON.
var preference = []Wire{WT, WS, NDJSON}

const (
	// headStart is how long a wire is ahead of the next: a round trip or two of
	// a connection that works, on a bad line.
	headStart = 300 * time.Millisecond
	// provenStart is the head start of the wire that won last. After a restart
	// of the hub TCP answers at once, and QUIC with its third or fourth packet.
	provenStart = 1500 * time.Millisecond
	// lastChance is how long the others still have once the last wire has
	// failed. UDP that nobody answers fails by no other sign than time.
	lastChance = time.Second
	// refusedChance is the same where TCP was refused: the machine is there, and
	// would answer at once if its hub were.
	refusedChance = 250 * time.Millisecond
)

// provenFor is how long the wire that won is remembered.
const provenFor = time.Hour

// proven is the wire that Auto took last.
type proven struct {
	mu   sync.Mutex
	wire Wire
	at   time.Time
}

func (p *proven) set(w Wire) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wire, p.at = w, time.Now()
}

// is reports whether a wire has won, not too long ago.
func (p *proven) is(w Wire) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wire == w && time.Since(p.at) < provenFor
}

// race opens a feed over the first wire that works, the better ones ahead.
func (c *Client) race(ctx context.Context, ask subscription) (*Stream, error) {
	r := racing{client: c, ask: ask, results: make(chan result)}
	for _, w := range preference {
		if p := c.config.Protocol; p == AnyHTTP || slices.Contains(c.wires[w].over, p) {
			r.wires = append(r.wires, w)
		}
	}
	return r.run(ctx)
}

type result struct {
	n      int
	stream *Stream
	err    error
}

type racing struct {
	client  *Client
	ask     subscription
	wires   []Wire
	results chan result
	running sync.WaitGroup

	started    []context.CancelFunc
	failed     int
	lastFailed bool
	refused    bool
	why        error
}

// run returns the first stream. The others are over when it does.
func (r *racing) run(ctx context.Context) (*Stream, error) {
	won := -1
	defer func() { r.stop(won) }()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case a := <-r.results:
			if a.err == nil {
				won = a.n
				r.client.proven.set(r.wires[won])
				a.stream.release = r.started[won]
				return a.stream, nil
			}
			if r.lost(a) {
				return nil, r.why
			}
		case <-timer.C:
			if r.lastFailed {
				return nil, r.why
			}
		}
		timer.Reset(r.startNext(ctx))
	}
}

// lost takes a failure and reports whether nothing better can come.
func (r *racing) lost(a result) bool {
	r.failed++
	r.lastFailed = r.lastFailed || a.n == len(r.wires)-1
	r.refused = r.refused || errors.Is(a.err, syscall.ECONNREFUSED)
	// Of several reasons that of the simplest wire says most.
	if r.why == nil || a.n == len(r.wires)-1 || concerns(a.err) {
		r.why = a.err
	}
	return r.failed == len(r.wires) || concerns(a.err)
}

// startNext starts the next wire, if there is one, and returns how long to wait
// for something to happen.
func (r *racing) startNext(ctx context.Context) time.Duration {
	if len(r.started) < len(r.wires) {
		r.start(ctx)
	}
	switch {
	case len(r.started) < len(r.wires) && !r.ask.hurry && r.client.proven.is(r.wires[len(r.started)-1]):
		return provenStart
	case len(r.started) < len(r.wires):
		return headStart
	case r.lastFailed && r.refused:
		return refusedChance
	case r.lastFailed:
		return lastChance
	default:
		return openWithin
	}
}

func (r *racing) start(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	n := len(r.started)
	r.started = append(r.started, cancel)
	r.running.Go(func() {
		s, err := r.client.open(ctx, r.wires[n], r.ask)
		select {
		case r.results <- result{n, s, err}:
		case <-ctx.Done(): // the race is over
			if s != nil {
				s.Close()
			}
		}
	})
}

// stop ends all but the winner, and waits.
func (r *racing) stop(won int) {
	for n, cancel := range r.started {
		if n != won {
			cancel()
		}
	}
	r.running.Wait()
}

// concerns reports whether a refusal is of the caller or what was asked, so
// that no other wire would bring anything else.
func concerns(err error) bool {
	if _, ok := errors.AsType[*tokenError](err); ok {
		return true
	}
	e, ok := errors.AsType[*Error](err)
	return ok && slices.Contains([]event.Code{
		event.Unauthenticated, event.BadToken, event.TokenExpired, event.Forbidden,
		event.UnknownTopic, event.TooManyTopics, event.BadCursor,
	}, e.Code)
}
