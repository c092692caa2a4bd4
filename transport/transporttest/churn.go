package transporttest

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"everything.local/event"
	"everything.local/transport"
)

// Churn connects n clients to a hub in two rounds, some at a time, each of
// which follows a feed until it is live and leaves: every other one without a
// word. Then it checks that the hub has counted them all out and that their
// goroutines have ended; and with memory, that the second round has left no
// more behind than the first, which made what is made once: caches, pools, and
// Go's own records of the most goroutines there ever were.
func Churn(t *testing.T, way Way, n int, memory bool) {
	w := newWorld(t, way, setup{server: transport.ServerConfig{MaxConnsPerAddress: 4 * n}})
	w.target.idle = 2 * time.Second // for those that vanish
	w.sources = churnSources
	w.happen(put(event.Menu, "latte", 1))
	w.comeAndGo(churners)
	w.allGone()
	goroutines, start := runtime.NumGoroutine(), time.Now()
	w.comeAndGo(n / 2)
	took := time.Since(start)
	first := w.left(goroutines, memory)
	w.comeAndGo(n / 2)
	second := w.left(goroutines, memory)
	t.Logf("%d came and went, %.0f/s; goroutines %d → %d; live heap %d → %d KiB",
		n, float64(n/2)/took.Seconds(), goroutines, runtime.NumGoroutine(), first>>10, second>>10)
	if second > first+churnSlack {
		t.Errorf("the live heap went from %d to %d KiB", first>>10, second>>10)
	}
}

const (
	// churners is how many clients there are at a time.
	churners = 16
	// churnSources is how many addresses they come from: those who have vanished
	// count until the hub notices.
	churnSources = 64
	// churnSlack is what the live heap may grow by in a round of a Churn: how
	// many were half gone at a time varies. 200 bytes a client would be a leak;
	// measured were 11 KiB for 5,000.
	churnSlack = 1 << 20
	// visitWithin is generous for a machine that does other things as well.
	visitWithin = 30 * time.Second
)

func (w *world) comeAndGo(n int) {
	w.t.Helper()
	var wg sync.WaitGroup
	for worker := range churners {
		wg.Go(func() {
			for i := worker; i < n; i += churners {
				if err := w.visit(i/churners%2 == 1); err != nil {
					w.t.Errorf("client %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if w.t.Failed() {
		w.t.FailNow()
	}
}

// visit is one client, from connecting to leaving.
func (w *world) visit(abrupt bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), visitWithin)
	defer cancel()
	c := w.way.Connect(w.target)
	leave := c.Close
	if abrupt {
		leave = c.Vanish
	}
	s, err := c.Follow(ctx, Ask{Topics: "menu"})
	if err != nil {
		leave()
		return err
	}
	for live := false; err == nil && !live; {
		var fr Frame
		fr, err = s.Next()
		live = fr.Live
	}
	if abrupt {
		leave()
		s.Close()
	} else {
		s.Close()
		leave()
	}
	return err
}

// left waits until the hub has noticed that everybody left and the goroutines
// are those of before, and returns the live heap.
func (w *world) left(goroutines int, memory bool) uint64 {
	w.t.Helper()
	w.allGone()
	w.within(10*time.Second, func() bool { return runtime.NumGoroutine() <= goroutines },
		func() { w.t.Errorf("%d goroutines before, %d after", goroutines, runtime.NumGoroutine()) })
	if !memory {
		return 0
	}
	if strings.HasSuffix(w.way.Name, "/h2") {
		// net/http holds an HTTP/2 connection that broke with streams open by
		// its idle timer, until that is due.
		time.Sleep(lingering)
	}
	runtime.GC()
	runtime.GC() // what was waiting for a finalizer, and pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// lingering is a little more than the idle timeout of transport's server.
const lingering = 32 * time.Second

// allGone waits until the hub has noticed that everybody left.
func (w *world) allGone() {
	w.t.Helper()
	count := func() (feeds int64, conns int) {
		return w.feed.Stats()[w.way.name()].Open, w.server.Stats().Open
	}
	w.within(time.Minute, func() bool { f, c := count(); return f == 0 && c == 0 }, func() {
		f, c := count()
		w.t.Fatalf("%d feeds and %d connections are left", f, c)
	})
}

// within waits until done holds, or calls failed after patience.
func (w *world) within(patience time.Duration, done func() bool, failed func()) {
	w.t.Helper()
	const look = 10 * time.Millisecond
	for start := time.Now(); !done(); time.Sleep(look) {
		if time.Since(start) > patience {
			failed()
			return
		}
	}
}
