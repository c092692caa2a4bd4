package transporttest

import (
	"context"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"everything.local/event"
	"everything.local/transport/ndjson"
)

// siege is a hub under attack, on sockets, with clients that behave: one that
// has been following since before, and new ones all the time.
type siege struct {
	*world
	// ways are those of the clients that behave.
	ways   []Way
	beside []Stream
	at     []*follower

	// goroutines and heap are of before the attack, the peaks of during it, the
	// attackers' own included.
	goroutines, peakGoroutines int
	heap, peakHeap             uint64
	// slowest is how long one took that behaves.
	slowest time.Duration
	// handshakes says that the attack is on those of QUIC, in which a new
	// client's are lost at times, too, and are sent again after a while.
	handshakes bool
}

const (
	// servedWithin is how long a frame may take, and the coming of a new client,
	// during an attack. On a machine of its own each takes some milliseconds;
	// this one serves other tests, and the race detector, and the attackers.
	servedWithin = 3 * time.Second
	// handshakeWithin is that for new clients on QUIC while packets are lost: after
	// 0.3, 0.9, 2.1 and 4.5 s they send again. Browsers are on TCP by then.
	handshakeWithin = 10 * time.Second
	// attackFor is how long one attacker goes on, if the hub lets it.
	attackFor = time.Second / 2
	// vanishedWithin is when a connection is given up whose last word was lost.
	vanishedWithin = 5 * time.Second
	// settledWithin is how long the traces of an attack may stay.
	settledWithin = 20 * time.Second
	// settledHeap is what may be left of one on the live heap: what broken HTTP/2
	// connections hold until their idle timer is due, and what grows once.
	settledHeap = 8 << 20
)

// besiege starts a hub on all protocols. Its own way is that of WebTransport if
// wt is set, else HTTP's.
func besiege(t *testing.T, wt bool, with setup) *siege {
	t.Helper()
	ways := HTTPWays(ndjson.Wire{}, ReadNDJSON)[1:] // HTTP/2 and HTTP/3
	if wt {
		ways = []Way{webTransport()}
	}
	s := &siege{world: newWorld(t, ways[len(ways)-1], with), ways: ways}
	s.target.idle = vanishedWithin
	s.happen(put(event.Menu, "latte", 0))
	for _, way := range ways {
		c := way.Connect(s.target)
		t.Cleanup(c.Close)
		f := newFollower(event.Menu)
		feed := s.follow(c, Ask{Topics: "menu"})
		untilLive(t, feed, f)
		s.beside, s.at = append(s.beside, feed), append(s.at, f)
	}
	s.serve(0) // whatever is made once is made
	s.slowest = 0
	s.heap, s.goroutines = liveHeap(), runtime.NumGoroutine()
	return s
}

// during runs attackers and serves until all have done what they do, and once
// more while they stay. An attack returns how to leave; its error is that the
// hub did not defend itself as it should.
func (s *siege) during(attackers int, attack func(ctx context.Context, n int) (leave func(), err error)) {
	s.t.Helper()
	leave := make(chan func(), attackers)
	var wg sync.WaitGroup
	for n := range attackers {
		wg.Go(func() {
			l, err := attack(s.t.Context(), n)
			if err != nil {
				s.t.Errorf("attacker %d: %v", n, err)
			}
			if l != nil {
				leave <- l
			}
		})
	}
	over := make(chan struct{})
	go func() {
		wg.Wait()
		close(over)
	}()
	for last, round := false, 1; !last; round++ {
		select {
		case <-over:
			last = true
		default:
		}
		s.serve(round)
		s.peakGoroutines = max(s.peakGoroutines, runtime.NumGoroutine())
		s.peakHeap = max(s.peakHeap, heapNow())
	}
	close(leave)
	for l := range leave {
		l()
	}
}

// serve lets something happen, which the clients beside the attack see, and new
// ones, in time.
func (s *siege) serve(round int) {
	s.t.Helper()
	for i, way := range s.ways {
		s.timed("the feed on "+way.Name, servedWithin, func(context.Context) {
			untilAt(s.t, s.beside[i], s.at[i], s.happen(put(event.Menu, "latte", round)))
		})
		within := servedWithin
		if way.QUIC && s.handshakes {
			within = handshakeWithin
		}
		s.timed("a new client on "+way.Name, within, func(ctx context.Context) {
			c := way.Connect(s.target)
			defer c.Close()
			feed, err := c.Follow(ctx, Ask{Topics: "menu"})
			if err != nil {
				s.t.Fatalf("a new client on %s: %v", way.Name, err)
			}
			defer feed.Close()
			untilLive(s.t, feed, newFollower(event.Menu))
		})
	}
}

func (s *siege) timed(what string, within time.Duration, do func(context.Context)) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), settledWithin) // rather than hang
	defer cancel()
	start := time.Now()
	do(ctx)
	took := time.Since(start)
	s.slowest = max(s.slowest, took)
	if took > within {
		s.t.Errorf("%s took %v", what, took)
	}
}

// withstood checks what the attack cost at its height, beyond what there was
// before, and that nothing of it is left once the attackers have gone.
func (s *siege) withstood(goroutines int, heap uint64) {
	s.t.Helper()
	if n := s.peakGoroutines - s.goroutines; n > goroutines {
		s.t.Errorf("%d goroutines more during the attack, want %d at most", n, goroutines)
	}
	if n := int64(s.peakHeap) - int64(s.heap); n > int64(heap) {
		s.t.Errorf("%d KiB more during the attack, want %d at most", n>>10, heap>>10)
	}
	s.within(settledWithin, func() bool { return runtime.NumGoroutine() <= s.goroutines },
		func() { s.t.Errorf("%d goroutines before, %d after", s.goroutines, runtime.NumGoroutine()) })
	left := int64(liveHeap()) - int64(s.heap)
	if left > settledHeap {
		s.t.Errorf("%d KiB are left of the attack", left>>10)
	}
	s.t.Logf("slowest served %v; at most %d goroutines and %d KiB more, %d KiB left",
		s.slowest.Round(time.Millisecond), s.peakGoroutines-s.goroutines, (int64(s.peakHeap)-int64(s.heap))>>10, left>>10)
}

// liveHeap is the heap that is in use after a collection.
func liveHeap() uint64 {
	runtime.GC()
	runtime.GC() // what the first one's finalizers let go of, and pools
	return heapNow()
}

// heapNow is the heap, with what is garbage and not collected.
func heapNow() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
