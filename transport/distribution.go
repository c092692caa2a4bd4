package transport

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Distribution is how large some things have been since the start.
type Distribution struct {
	// Counts are of things below 1, 2, 4, 8 and so on; the last one is of all
	// that are larger.
	Counts [distributionBuckets]uint64
	// Sum is that of all sizes.
	Sum uint64
}

// distributionBuckets go up to 8 million: bytes of the largest frame,
// microseconds of several seconds.
const distributionBuckets = 24

// distribution is what a Distribution is read from.
type distribution struct {
	counts [distributionBuckets]atomic.Uint64
	sum    atomic.Uint64
}

func (d *distribution) add(n uint64) {
	d.counts[min(bits.Len64(n), distributionBuckets-1)].Add(1)
	d.sum.Add(n)
}

func (d *distribution) read() (r Distribution) {
	for i := range d.counts {
		r.Counts[i] = d.counts[i].Load()
	}
	r.Sum = d.sum.Load()
	return r
}

// PassStats tell of the workers' passes through the sessions that were woken.
type PassStats struct {
	// Sessions is how many were served in a pass, Micros how long it took.
	Sessions, Micros Distribution
}

// passCounters is what PassStats are read from.
type passCounters struct{ sessions, micros distribution }

func (c *passCounters) passed(sessions int, took time.Duration) {
	if sessions > 0 {
		c.sessions.add(uint64(sessions))
		c.micros.add(uint64(took.Microseconds()))
	}
}

// Passes returns what the workers have done since the start.
func (f *Feed) Passes() PassStats {
	return PassStats{f.passes.sessions.read(), f.passes.micros.read()}
}
