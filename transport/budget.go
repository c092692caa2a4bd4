package transport

import (
	"context"
	"log/slog"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// Marks of a Budget, in percent of it.
const (
	// tightAt is where nobody new is let in: what the collector needs to work
	// with is left, and time for the clients that are in to need more.
	tightAt = 85
	// easyAt is where they are again; the distance keeps a hub at its limit from
	// changing its mind with every client that leaves.
	easyAt = 75
	// spentAt is where clients have to go that are asking for nothing.
	spentAt = 100

	// sampleEvery is how often memory is looked at. That costs some
	// microseconds, and a flood of handshakes makes some MiB in the meantime.
	sampleEvery = time.Second
	// collectEvery is how often, in samples, the collector is made to run while
	// memory is tight: what is live is known after a collection, and an idle
	// process has none for two minutes.
	collectEvery = 5
)

// Budget is the memory that a process may keep. While it is nearly used up no
// new connections and feeds are let in, so that those that are in are served.
// The runtime's memory limit (debug.SetMemoryLimit) should be the same.
type Budget struct {
	bytes   uint64
	log     *slog.Logger
	measure func() uint64

	used  atomic.Uint64
	tight atomic.Bool
}

// NewBudget returns a budget of so many bytes. A Server that is given it keeps
// it up to date while it runs.
func NewBudget(bytes int64, log *slog.Logger) *Budget {
	return &Budget{bytes: uint64(max(bytes, 1)), log: log, measure: liveBytes}
}

// Tight reports whether nobody new should be let in. A nil Budget never is.
func (b *Budget) Tight() bool { return b != nil && b.tight.Load() }

// BudgetStats is the state of a Budget in bytes.
type BudgetStats struct {
	Bytes, Used uint64
	Tight       bool
}

// Stats returns the state as of the last sample.
func (b *Budget) Stats() BudgetStats {
	return BudgetStats{Bytes: b.bytes, Used: b.used.Load(), Tight: b.tight.Load()}
}

// run samples until ctx ends. Spent is called with each sample that is over the
// budget.
func (b *Budget) run(ctx context.Context, spent func()) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		b.sample(spent)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if b.Tight() && n%collectEvery == 0 {
			runtime.GC()
		}
	}
}

func (b *Budget) sample(spent func()) {
	used := b.measure()
	b.used.Store(used)
	percent := used * 100 / b.bytes
	switch {
	case !b.Tight() && percent >= tightAt:
		b.tight.Store(true)
		b.log.Warn("memory is short, new connections and feeds are refused", "used", used, "budget", b.bytes)
	case b.Tight() && percent < easyAt:
		b.tight.Store(false)
		b.log.Info("memory is enough again", "used", used, "budget", b.bytes)
	}
	if percent >= spentAt {
		spent()
	}
}

// liveBytes is the memory that is in use: the heap that the last collection
// left, without what has become garbage since, which is most of a healthy heap,
// and the stacks. Before the first collection, of which a small hub has none for
// a while, it is all of the heap.
func liveBytes() uint64 {
	const live, all = 0, 1
	samples := []metrics.Sample{
		live: {Name: "/gc/heap/live:bytes"},
		all:  {Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"},
		{Name: "/memory/classes/os-stacks:bytes"},
	}
	metrics.Read(samples)
	var sum uint64
	for i, s := range samples {
		if s.Value.Kind() != metrics.KindUint64 { // as it is of each Go version so far
			continue
		}
		if i != all || sum == 0 {
			sum += s.Value.Uint64()
		}
	}
	return sum
}
