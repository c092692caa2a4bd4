package meter

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// longest is the largest latency that is told apart from larger ones; a
	// reader is given up long before.
	longest = 2 * time.Minute
	// digits is how exact latencies are: to a thousandth.
	digits = 3
	// shards lets many readers record without waiting for each other.
	shards = 8
)

// Latencies are how long deliveries took, in microseconds. It may be used by
// many goroutines.
type Latencies struct {
	shards [shards]struct {
		sync.Mutex
		h *hdrhistogram.Histogram
	}
	mu    sync.Mutex
	total *hdrhistogram.Histogram
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, longest.Microseconds(), digits)
}

// NewLatencies returns an empty one.
func NewLatencies() *Latencies {
	l := &Latencies{total: newHistogram()}
	for i := range l.shards {
		l.shards[i].h = newHistogram()
	}
	return l
}

// Record adds one. Who is any number of the reader's.
func (l *Latencies) Record(who int, took time.Duration) {
	s := &l.shards[who%shards]
	us := min(max(took.Microseconds(), 1), longest.Microseconds())
	s.Lock()
	_ = s.h.RecordValue(us) // it is within the bounds
	s.Unlock()
}

// Percentiles of latencies, in milliseconds.
type Percentiles struct {
	Count                int64
	P50, P99, P999, Most float64
}

// Interval returns what was recorded since the last call.
func (l *Latencies) Interval() Percentiles {
	since := newHistogram()
	for i := range l.shards {
		s := &l.shards[i]
		s.Lock()
		since.Merge(s.h)
		s.h.Reset()
		s.Unlock()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total.Merge(since)
	return percentiles(since)
}

// Total returns everything that was recorded.
func (l *Latencies) Total() Percentiles {
	l.Interval()
	l.mu.Lock()
	defer l.mu.Unlock()
	return percentiles(l.total)
}

// Merge adds what was recorded in o.
func (l *Latencies) Merge(o *Latencies) {
	o.Interval()
	o.mu.Lock()
	defer o.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total.Merge(o.total)
}

func percentiles(h *hdrhistogram.Histogram) Percentiles {
	ms := func(us int64) float64 { return float64(us) / 1000 }
	return Percentiles{
		Count: h.TotalCount(),
		P50:   ms(h.ValueAtPercentile(50)), P99: ms(h.ValueAtPercentile(99)),
		P999: ms(h.ValueAtPercentile(99.9)), Most: ms(h.Max()),
	}
}
