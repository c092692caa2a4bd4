package scenario

import (
	"context"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"everything.local/loadtest/meter"
	"everything.local/loadtest/report"
)

// plots are what is drawn over the time of a run, sampled once a second.
type plots struct {
	run *Run

	mu    sync.Mutex
	lines map[string]map[string]*report.Line // by plot and name
	shown map[string]*shown
	// busiest is the most of a core that this program took while each was shown.
	busiest map[string]float64
	use     *meter.Use
	own     *meter.Use
	at      time.Time
}

// shown is a crowd whose deliveries are drawn.
type shown struct {
	crowd *crowd
	seen  int64
}

// The plots, in their order on the page.
var plotUnits = []struct{ title, unit string }{
	{"Latency, 99th percentile", "ms"}, {"Latency, median", "ms"}, {"Deliveries", "/s"}, {"Processor of the hub", "% of a core"}, {"Memory of the hub", "MiB"}, {"Processor of the harness", "% of a core"},
}

func newPlots(r *Run) *plots {
	return &plots{run: r, lines: map[string]map[string]*report.Line{}, shown: map[string]*shown{}, busiest: map[string]float64{}, at: time.Now()}
}

// show draws a crowd's deliveries until hide is called.
func (p *plots) show(name string, c *crowd) (hide func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown[name] = &shown{c, c.delivered.Load()}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.shown, name)
	}
}

// watchPlots samples while do runs, and says once in a while how it goes.
func (r *Run) watchPlots(ctx context.Context, do func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	var sampling sync.WaitGroup
	defer sampling.Wait()
	defer cancel()
	sampling.Go(func() {
		t := time.NewTicker(time.Second)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				r.plots.sample()
			case <-ctx.Done():
				return
			}
		}
	})
	return do()
}

func (p *plots) sample() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	took := now.Sub(p.at).Seconds()
	p.at = now
	if use, err := p.run.use(); err == nil && use != nil {
		if p.use != nil {
			p.point("Processor of the hub", "hub", share(*p.use, *use))
		}
		p.point("Memory of the hub", "hub", float64(use.RSS)/(1<<20))
		p.use = use
	}
	p.sampleOwn()
	for _, name := range slices.Sorted(maps.Keys(p.shown)) {
		p.shown[name].sample(p, name, took)
	}
}

// sampleOwn samples this program: where its core is full, latencies are its own.
func (p *plots) sampleOwn() {
	use, err := meter.Process(os.Getpid()).Use()
	if err != nil {
		return // there is nothing to read on this system
	}
	if p.own != nil {
		took := share(*p.own, use)
		p.point("Processor of the harness", "harness", took)
		for name := range p.shown {
			p.busiest[name] = max(p.busiest[name], took)
		}
	}
	p.own = &use
}

// share is how much of a core a process took, in percent.
func share(before, after meter.Use) float64 {
	return 100 * (after.CPU - before.CPU).Seconds() / after.At.Sub(before.At).Seconds()
}

// busy begins to look at the cores; what it returns says how much of one the hub
// and the harness took since, nil where that cannot be read.
func (r *Run) busy() func() (hub, harness *float64) {
	none := func() (hub, harness *float64) { return nil, nil }
	own := meter.Process(os.Getpid())
	hub, err := r.use()
	harness, e := own.Use()
	if err != nil || e != nil || hub == nil {
		return none
	}
	return func() (*float64, *float64) {
		h, err := r.use()
		o, e := own.Use()
		if err != nil || e != nil {
			return none()
		}
		return new(share(*hub, *h) / 100), new(share(harness, o) / 100)
	}
}

func (s *shown) sample(p *plots, name string, took float64) {
	delivered := s.crowd.delivered.Load()
	rate := float64(delivered-s.seen) / took
	s.seen = delivered
	p.point("Deliveries", name, rate)
	l := s.crowd.latencies.Load().Interval()
	if l.Count == 0 {
		return
	}
	p.point("Latency, 99th percentile", name, l.P99)
	p.point("Latency, median", name, l.P50)
	p.run.say("%-10s %8.0f deliveries/s, p50 %.2f ms, p99 %.2f ms, max %.1f ms", name, rate, l.P50, l.P99, l.Most)
}

func (p *plots) point(plot, name string, y float64) {
	if p.lines[plot] == nil {
		p.lines[plot] = map[string]*report.Line{}
	}
	l := p.lines[plot][name]
	if l == nil {
		l = &report.Line{Name: name}
		p.lines[plot][name] = l
	}
	l.X = append(l.X, p.at.Sub(p.run.began).Seconds())
	l.Y = append(l.Y, y)
}

// series are the plots that have something to show.
func (p *plots) series() []report.Series {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := []report.Series{}
	for _, u := range plotUnits {
		s := report.Series{Title: u.title, Unit: u.unit}
		for _, name := range slices.Sorted(maps.Keys(p.lines[u.title])) {
			s.Lines = append(s.Lines, *p.lines[u.title][name])
		}
		if len(s.Lines) > 0 {
			list = append(list, s)
		}
	}
	return list
}
