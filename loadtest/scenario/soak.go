package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"everything.local/loadtest/check"
	"everything.local/loadtest/report"
)

const (
	// soakSamples is how many are taken at least; the first quarter is held
	// against the last.
	soakSamples = 12
	// mayGrow is by how much the hub's goroutines and heap may grow from the
	// first quarter of a soak to the last, beside what noise does.
	mayGrow = 1.2
	// noise is what does not count as growth: goroutines and MiB.
	noise = 32
)

// The hub's own figures, as GET /metrics has them.
const (
	goroutines = "go_goroutines"
	heap       = "go_memstats_heap_alloc_bytes"
)

// soak sends messages to watchers on all wires for long, and looks whether the
// hub keeps more and more.
func soak(ctx context.Context, r *Run) error {
	m, err := openMenu(ctx, r, 0)
	if err != nil {
		return err
	}
	course := check.NewCourse(r.steps())
	c, err := m.mixed(ctx, course)
	if err != nil {
		return err
	}
	defer c.leave()
	defer r.plots.show("soak", c)()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	samples := make(chan []map[string]float64, 1)
	go func() { samples <- r.sampleMetrics(ctx, min(r.For/soakSamples, 10*time.Second)) }()
	err = m.publish(ctx, course, time.Now(), r.Rate, r.steps())
	if err == nil {
		err = c.quiet(ctx, int64(len(c.members)*course.Count()))
	}
	latencies := c.latencies.Load().Total()
	r.result.Figures["p50_ms"], r.result.Figures["p99_ms"], r.result.Figures["max_ms"] = latencies.P50, latencies.P99, latencies.Most
	judging := context.WithoutCancel(ctx)
	cancel()
	taken := <-samples
	if err != nil {
		return err
	}
	if err := r.grown(taken); err != nil {
		return err
	}
	return errors.Join(m.judgeMixed(judging, c, course), m.shut(judging))
}

// sampleMetrics reads the hub's metrics until ctx ends.
func (r *Run) sampleMetrics(ctx context.Context, every time.Duration) (samples []map[string]float64) {
	var lines [2]report.Line
	lines[0].Name, lines[1].Name = "goroutines", "heap, MiB"
	defer func() {
		r.result.Series = append(r.result.Series, report.Series{Title: "Goroutines and heap of the hub", Lines: lines[:]})
	}()
	for pause(ctx, every) == nil {
		v, err := r.site.Metric(ctx, goroutines, heap)
		if err != nil {
			continue // one that is missed is no fault; too few are
		}
		samples = append(samples, v)
		at := time.Since(r.began).Seconds()
		for i, y := range []float64{v[goroutines], v[heap] / (1 << 20)} {
			lines[i].X, lines[i].Y = append(lines[i].X, at), append(lines[i].Y, y)
		}
	}
	return samples
}

// grown compares the last quarter of the samples with the first.
func (r *Run) grown(samples []map[string]float64) error {
	quarter := len(samples) / 4
	if quarter < 1 {
		return fmt.Errorf("the hub's metrics were read only %d times", len(samples))
	}
	for name, unit := range map[string]float64{goroutines: 1, heap: 1 << 20} {
		of := func(s []map[string]float64) float64 {
			var v []float64
			for _, m := range s {
				v = append(v, m[name]/unit)
			}
			return *median(v)
		}
		first, last := of(samples[:quarter]), of(samples[len(samples)-quarter:])
		r.result.Figures[name+"_first"], r.result.Figures[name+"_last"] = first, last
		if last > first*mayGrow+noise {
			r.violated(fmt.Sprintf("%s grew from %.0f to %.0f", name, first, last))
		}
	}
	return nil
}
