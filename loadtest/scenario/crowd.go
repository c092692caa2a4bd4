package scenario

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"everything.local/loadtest/check"
	"everything.local/loadtest/feed"
	"everything.local/loadtest/meter"
)

// dialers is how many connections are being opened at once: enough to keep the
// hub's core full of handshakes.
const dialers = 64

// crowd is many watchers, and what they saw together.
type crowd struct {
	dialer *feed.Dialer
	// latencies are of the phase that is measured; see phase.
	latencies atomic.Pointer[meter.Latencies]
	// delivered counts what came for the first time.
	delivered atomic.Int64
	// reads counts the reads that brought something.
	reads   atomic.Int64
	members []*member
	closing atomic.Bool
	reading sync.WaitGroup
	// parallel is how many connections are being opened at once.
	parallel int

	mu     sync.Mutex
	faults []string
}

func newCrowd(d *feed.Dialer) *crowd {
	c := &crowd{dialer: d, parallel: dialers}
	c.phase()
	return c
}

// phase begins a part of a run whose latencies are counted by themselves.
func (c *crowd) phase() { c.latencies.Store(meter.NewLatencies()) }

// liveWithin is how long a crowd may take until all of it are live: a Pi does
// some hundred handshakes a second.
const liveWithin = 5 * time.Minute

var errNotLive = fmt.Errorf("not all watchers were live after %v", liveWithin)

// errLost is a feed that ended while it should not.
var errLost = errors.New("its feed ended")

// fault notes what one watcher must not have seen.
func (c *crowd) fault(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.faults) < maxViolations {
		c.faults = append(c.faults, what)
	}
}

// add makes a member that is not connected.
func (c *crowd) add(w feed.Wire, ask feed.Ask, tracks ...*track) {
	c.members = append(c.members, &member{crowd: c, id: len(c.members), wire: w, ask: ask, tracks: tracks})
}

// connect opens the feeds of members and returns when all are live.
func (c *crowd) connect(ctx context.Context, members []*member) error {
	ctx, stop := context.WithTimeoutCause(ctx, liveWithin, errNotLive)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var opening sync.WaitGroup
	next := atomic.Int64{}
	for range min(c.parallel, len(members)) {
		opening.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(members) {
					return
				}
				if err := members[i].open(ctx); err != nil {
					cancel(fmt.Errorf("watcher %d of %d: %w", i+1, len(members), err))
				}
			}
		})
	}
	opening.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for _, m := range members {
		select {
		case <-m.live:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := m.err.Load(); err != nil {
			return *err
		}
	}
	return nil
}

// quiet returns when n have been delivered, or nothing more comes.
func (c *crowd) quiet(ctx context.Context, n int64) error {
	const look, silence, longest = 10 * time.Millisecond, 2 * time.Second, time.Minute
	began, last, since := time.Now(), int64(-1), time.Now()
	for {
		now := c.delivered.Load()
		if now >= n || time.Since(began) > longest {
			return nil
		}
		if now != last {
			last, since = now, time.Now()
		}
		if time.Since(since) > silence {
			return nil
		}
		if err := pause(ctx, look); err != nil {
			return err
		}
	}
}

// leave closes all feeds and waits until nobody reads any more.
func (c *crowd) leave() {
	c.closing.Store(true)
	var closing sync.WaitGroup
	for part := range dialers {
		closing.Go(func() {
			for i := part; i < len(c.members); i += dialers {
				c.members[i].drop()
			}
		})
	}
	closing.Wait()
	c.reading.Wait()
}

// truths are what topics are at the end, by their courses.
type truths map[*check.Course]*check.Truth

// tally holds everybody against the truth of each topic, when nobody reads any
// more. It returns the sum and what must not be.
func (c *crowd) tally(truths truths) (sum check.Tally, faults []string) {
	faults = c.faults
	for _, m := range c.members {
		for _, t := range m.tracks {
			for _, f := range t.watcher.Finish(truths[t.course]) {
				if len(faults) < maxViolations {
					faults = append(faults, f.String())
				}
			}
			sum.Add(t.watcher.Tally)
		}
	}
	return sum, faults
}
