package transport

import (
	"context"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// A handshake takes some 50 KiB that are of no use after it, and Go's collector
// waits until as much again is allocated, which on a hub that idles is never.
const (
	// trimQuiet without a new connection is the end of a burst of them.
	trimQuiet = 250 * time.Millisecond
	// trimFrom is how many make a burst: what fewer leave is not worth a
	// collection, some ten milliseconds of a core.
	trimFrom = 50
	// burstGarbage is how much garbage there may be during a burst, in percent of
	// what is in use. With more, what stays lies scattered between it, in pages
	// that cannot be given back: 134 KiB for a WebTransport client, not 108.
	burstGarbage = 100
	// trimEvery is the least time between two, for where clients come all the
	// time.
	trimEvery = 5 * time.Second
)

// trimmer gives memory back to the system after bursts of new connections.
type trimmer struct {
	// came counts connections since the last time.
	came atomic.Int64
	// bell receives when one has come.
	bell chan struct{}
	// give gives memory back, and collect says at how many percent of garbage it
	// is collected and returns what was said before.
	give    func()
	collect func(percent int) int

	// What follows is run's own: whether there is a burst, and the percents
	// before it.
	burst  bool
	before int
}

func newTrimmer() *trimmer {
	return &trimmer{bell: make(chan struct{}, 1), give: debug.FreeOSMemory, collect: debug.SetGCPercent}
}

// connected counts a connection.
func (t *trimmer) connected() {
	t.came.Add(1)
	select {
	case t.bell <- struct{}{}:
	default:
	}
}

// run gives memory back now and then until ctx ends.
func (t *trimmer) run(ctx context.Context) {
	quiet := time.NewTimer(trimQuiet)
	defer quiet.Stop()
	var last time.Time
	defer t.usual()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.bell:
			quiet.Reset(max(trimQuiet, trimEvery-time.Since(last)))
			if t.came.Load() >= trimFrom {
				t.little()
			}
		case <-quiet.C:
			if t.came.Load() >= trimFrom {
				t.came.Store(0)
				t.give()
				last = time.Now()
			}
			t.usual()
		}
	}
}

// little has garbage collected early, for as long as a burst lasts.
func (t *trimmer) little() {
	if t.burst {
		return
	}
	t.burst = true
	if t.before = t.collect(burstGarbage); t.before < burstGarbage {
		t.collect(t.before) // less still, or none ever
	}
}

// usual has it collected as before the burst.
func (t *trimmer) usual() {
	if t.burst {
		t.burst = false
		t.collect(t.before)
	}
}
