package scenario

import (
	"slices"
	"time"

	"everything.local/loadtest/check"
	"everything.local/loadtest/meter"
	"everything.local/loadtest/report"
)

// cells are the rounds of one wire.
type cells struct {
	check.Tally
	latencies            *meter.Latencies
	cpu, ratio, commands []float64 // seconds for a million; each round's ratio to the floor beside it
	memory, connects     []float64
	most                 []float64
}

func (r *Run) cellsOf(name string) *cells {
	return cellsIn(r.cells, name)
}

func cellsIn[K ~string](all map[K]*cells, name string) *cells {
	c, ok := all[K(name)]
	if !ok {
		c = &cells{latencies: meter.NewLatencies()}
		all[K(name)] = c
	}
	return c
}

// took adds what one crowd of this wire saw.
func (c *cells) took(o *crowd, t check.Tally) {
	c.Add(t)
	c.latencies.Merge(o.latencies.Load())
}

// perMillion is processor time in seconds for a million of n.
func perMillion(before, after *meter.Use, n uint64) *float64 {
	if before == nil || after == nil || n == 0 {
		return nil
	}
	return new((after.CPU - before.CPU).Seconds() / float64(n) * 1e6)
}

// perSecond is how many of n were in that time.
func perSecond(n int, took time.Duration) float64 { return float64(n) / took.Seconds() }

// median of values, nil for none.
func median(values []float64) *float64 {
	if len(values) == 0 {
		return nil
	}
	s := slices.Sorted(slices.Values(values))
	m := s[len(s)/2]
	if len(s)%2 == 0 {
		m = (m + s[len(s)/2-1]) / 2
	}
	return &m
}

// wire is the cells as they are reported.
func (c *cells) wire() report.Wire {
	w := report.Wire{
		Delivered: c.Delivered, Expected: c.Expected, Conflated: c.Conflated,
		Gaps: c.Gaps, Repeats: c.Repeats, Reordered: c.Reordered, Altered: c.Altered, Resets: c.Resets,
		CPUPerMillion: median(c.cpu), CommandsPerMillion: median(c.commands), RatioToFloor: median(c.ratio),
		KiBPerWatcher: median(c.memory), ConnectsPerS: median(c.connects), MaxPerS: median(c.most),
	}
	if len(c.ratio) > 0 {
		w.RatioSpread = []float64{slices.Min(c.ratio), slices.Max(c.ratio)}
	}
	if p := c.latencies.Total(); p.Count > 0 {
		w.P50, w.P99, w.P999, w.Max = &p.P50, &p.P99, &p.P999, &p.Most
	}
	return w
}
