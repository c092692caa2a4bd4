package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"everything.local/loadtest/feed"
	"everything.local/loadtest/meter"
	"everything.local/loadtest/report"
	"everything.local/loadtest/scenario"
)

// Config is what a bench is asked for.
type Config struct {
	// Dir is where the hub's data and the floor's file are: the disk counts.
	Dir string
	// Quick measures less, of fewer, once: for a look while developing.
	Quick bool
	// Program is a built hub; "" builds one.
	Program string
	// FloorArgs make this program the floor's server.
	FloorArgs []string
	Progress  io.Writer
}

// plan is how much is measured.
type plan struct {
	Config

	rounds, searches, watchers, storm int
	// waiting is how many wait beside the orders of a busy café.
	waiting      int
	cell         time.Duration
	dir, program string
}

var (
	tcp  = []feed.Wire{feed.WS, feed.SSE}
	quic = []feed.Wire{feed.NDJSONH3, feed.WT}
	all  = []feed.Wire{feed.WS, feed.SSE, feed.NDJSONH3, feed.WT}
)

// Run measures and returns the figures.
func Run(ctx context.Context, c Config) (_ *Performance, err error) {
	p := &plan{Config: c, rounds: 5, searches: 3, watchers: 1000, storm: 2000, waiting: 10_000, cell: 2 * time.Second}
	if c.Quick {
		p.rounds, p.searches, p.watchers, p.storm, p.waiting, p.cell = 1, 1, 300, 300, 300, time.Second
	}
	if p.dir, err = os.MkdirTemp(c.Dir, "bench-"); err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(p.dir) }()
	if p.program = c.Program; p.program == "" {
		if p.program, err = build(ctx, p.dir, c.Progress); err != nil {
			return nil, fmt.Errorf("build the hub: %w", err)
		}
	}
	if p.program, err = filepath.Abs(p.program); err != nil {
		return nil, err
	}
	f := newPerformance(p)
	for _, part := range []func(context.Context, *Performance) error{
		p.fanout, p.connect, p.saturate, p.cafe, p.slow, p.crowded, p.storms, p.stall, p.allocations,
	} {
		if err := part(ctx, f); err != nil {
			return nil, err
		}
	}
	f.TookS = time.Since(f.Started).Seconds()
	return f, nil
}

// run runs a scenario on a hub of its own.
func (p *plan) run(ctx context.Context, name string, c scenario.Config, before ...string) (*report.Result, error) {
	h, err := start(ctx, p.program, p.dir, before...)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(p.Progress, "== %s %v\n", name, c.Wires)
	c.Target, c.TLS, c.Token, c.FsyncDir, c.FloorArgs, c.Progress = h.url, h.tls, h.token, p.dir, p.FloorArgs, p.Progress
	c.P99, c.MaxRate, c.Bytes, c.Guests = 100*time.Millisecond, 20_000, 200, 40
	c.Rounds, c.Keys, c.For = max(c.Rounds, 1), 400, max(c.For, p.cell)
	if len(before) == 0 {
		c.PID, c.Pin = meter.Process(h.cmd.Process.Pid), true
	}
	r, err := scenario.Do(ctx, name, c)
	if e := h.stop(); err == nil {
		err = e
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if !r.Passed {
		return nil, fmt.Errorf("%s: the hub did not keep its promises: %s", name, strings.Join(r.Violations, "; "))
	}
	return r, nil
}

func (p *plan) fanout(ctx context.Context, f *Performance) error {
	r, err := p.run(ctx, "fanout", scenario.Config{Wires: all, Watchers: p.watchers, Rate: 20, Rounds: p.rounds})
	if err != nil {
		return err
	}
	for _, w := range all {
		v := r.Wires[string(w)]
		what := fmt.Sprintf("CPU per delivery, 200 B to %d clients 20 times a second: %s", p.watchers, w)
		f.add(Row{
			What: what, Unit: "× floor", Measured: *v.RatioToFloor, Spread: v.RatioSpread, Limit: limits[w].cpu, Ratio: true,
			Note: fmt.Sprintf("%.1f s a million, %.1f of them the commands, without which it is %.2f × floor; p99 %.1f ms",
				*v.CPUPerMillion, *v.CommandsPerMillion, *v.RatioToFloor*(1 - *v.CommandsPerMillion / *v.CPUPerMillion), *v.P99),
		})
	}
	f.keep("fanout", r)
	return nil
}

// connect measures memory on a fresh hub for each: what others left would count.
func (p *plan) connect(ctx context.Context, f *Performance) error {
	for _, w := range all {
		var kib, rates []float64
		for range p.searches {
			r, err := p.run(ctx, "connect", scenario.Config{Wires: []feed.Wire{w}, Watchers: p.watchers, Rate: 20, NoFloor: true})
			if err != nil {
				return err
			}
			kib, rates = append(kib, *r.Wires[string(w)].KiBPerWatcher), append(rates, *r.Wires[string(w)].ConnectsPerS)
			f.keep("connect_"+string(w), r)
		}
		f.idle[w] = median(kib)
		f.add(Row{
			What: "idle memory a client: " + string(w), Unit: "KiB", Measured: median(kib), Spread: spread(kib), Limit: limits[w].kib,
			Note: fmt.Sprintf("%d clients; %.0f connects a second", p.watchers, median(rates)),
		})
	}
	return nil
}

func (p *plan) saturate(ctx context.Context, f *Performance) error {
	ratios, rates := map[feed.Wire][]float64{}, map[feed.Wire][]float64{}
	for range p.searches {
		for _, s := range []struct {
			wires []feed.Wire
			rate  float64
		}{{tcp, 300}, {quic, 100}} {
			r, err := p.run(ctx, "saturate", scenario.Config{Wires: s.wires, Watchers: p.watchers, Rate: s.rate, For: time.Second})
			if err != nil {
				return err
			}
			for _, w := range s.wires {
				ratios[w] = append(ratios[w], r.Figures[string(w)+"_max_to_floor"])
				rates[w] = append(rates[w], *r.Wires[string(w)].MaxPerS)
			}
			f.keep("saturate_"+string(s.wires[0]), r)
		}
	}
	for _, w := range all {
		f.add(Row{
			What: "saturation, deliveries a second, p99 < 100 ms, none conflated: " + string(w), Unit: "× floor", AtLeast: true, Ratio: true,
			Measured: median(ratios[w]), Spread: spread(ratios[w]), Limit: limits[w].most, Note: fmt.Sprintf("%.0f deliveries a second", median(rates[w])),
		})
	}
	return nil
}

func (p *plan) cafe(ctx context.Context, f *Performance) error {
	return p.orders(ctx, f, 20, "order sent → on the kitchen TV, 20 whole orders/s, p99", 2, "cafe")
}

// slowRate is how many whole orders a second a log on a slow disk takes: five
// steps each, which are written one after the other.
const slowRate = 4

// slow is the same with a disk like an SD card's.
func (p *plan) slow(ctx context.Context, f *Performance) error {
	tracer := slowDisk(slowFsync)
	if tracer == nil {
		f.Notes = append(f.Notes, "The row with an fsync of 30 ms was not measured: it needs strace.")
		return nil
	}
	return p.orders(ctx, f, slowRate, fmt.Sprintf("the same with each fsync %v longer, as on an SD card, %d whole orders/s", slowFsync, slowRate), 0, "cafe_slow", tracer...)
}

func (p *plan) orders(ctx context.Context, f *Performance, rate float64, what string, limit float64, name string, before ...string) error {
	var ratios, p99 []float64
	for range p.rounds {
		r, err := p.run(ctx, "cafe", scenario.Config{Wires: all, Rate: rate, For: 2 * p.cell}, before...)
		if err != nil {
			return err
		}
		least := *r.Floor["fsync_and_tls_rtt"].P99
		if len(before) > 0 {
			least += float64(slowFsync.Milliseconds())
		}
		p99 = append(p99, r.Figures["sent_to_tv_p99_ms"])
		ratios = append(ratios, r.Figures["sent_to_tv_p99_ms"]/least)
		f.keep(name, r)
	}
	f.add(Row{
		What: what, Unit: "× floor", Ratio: true, Measured: median(ratios), Spread: spread(ratios), Limit: limit,
		Note: fmt.Sprintf("p99 %.1f ms; floor: one fsynced write of 500 B and one TLS round trip, p99", median(p99)),
	})
	return nil
}

// mix is who waits in a café: browsers above all.
var mix = []scenario.Share{{Wire: feed.WS, Parts: 50}, {Wire: feed.SSE, Parts: 25}, {Wire: feed.NDJSONH3, Parts: 10}, {Wire: feed.WT, Parts: 15}}

// crowded has orders with very many who wait, each for orders of their own.
func (p *plan) crowded(ctx context.Context, f *Performance) error {
	r, err := p.run(ctx, "cafe", scenario.Config{Wires: all, Watchers: p.waiting, Mix: mix, Rate: 20, For: 5 * p.cell})
	if err != nil {
		return err
	}
	if heard := int(r.Figures["idle_heard"]); heard != p.waiting {
		return fmt.Errorf("of %d who waited %d heard the announcement", p.waiting, heard)
	}
	f.add(Row{
		What: fmt.Sprintf("order → TV, p99, while %d wait (ws 50, sse 25, ndjson-h3 10, wt 15 %%)", p.waiting), Unit: "× without them", Ratio: true,
		Measured: r.Figures["loaded_to_unloaded_p99"], Limit: 2,
		Note: fmt.Sprintf("%.1f ms; %.0f KiB each", r.Figures["loaded_sent_to_tv_p99_ms"], r.Figures["idle_kib_per_watcher"]),
	})
	f.keep("cafe_crowded", r)
	return nil
}

func (p *plan) storms(ctx context.Context, f *Performance) error {
	r, err := p.run(ctx, "storm", scenario.Config{Wires: all, Watchers: p.storm, Rate: 20, For: 3 * time.Second, NoFloor: true})
	if err != nil {
		return err
	}
	f.add(Row{What: fmt.Sprintf("storm: %d clients drop at once, until all are live again", p.storm), Unit: "s", Measured: r.Figures["all_live_again_s"], Limit: 5, Note: "no snapshot was sent"})
	f.keep("storm", r)
	return nil
}

func (p *plan) stall(ctx context.Context, f *Performance) error {
	var ratios, memory []float64
	for range p.searches {
		r, err := p.run(ctx, "stall", scenario.Config{Wires: []feed.Wire{feed.WS}, Watchers: p.watchers, Rate: 100, For: 3 * p.cell, NoFloor: true})
		if err != nil {
			return err
		}
		ratios, memory = append(ratios, r.Figures["p99_with_stalled_to_without"]), append(memory, r.Figures["ws_hub_grew_kib_per_stalled"]/f.idle[feed.WS])
		f.keep("stall", r)
	}
	others := p.watchers / 5
	f.add(Row{What: fmt.Sprintf("the others' p99 with %d stalled and %d slow among %d, ws", others, others/2, p.watchers), Unit: "× without", Ratio: true, Measured: median(ratios), Spread: spread(ratios), Limit: 1.2})
	f.add(Row{What: "memory of a stalled or slow client, ws", Unit: "× an idle one's", Measured: median(memory), Spread: spread(memory), Limit: 1, Note: fmt.Sprintf("%.1f KiB after %d messages", median(memory)*f.idle[feed.WS], int(300*p.cell.Seconds()))})
	return nil
}

// allocations has the hub's own test speak, which counts them.
func (*plan) allocations(ctx context.Context, f *Performance) error {
	out, err := exec.CommandContext(ctx, "go", "test", "-count=1", "-run", "Alloc", "-v", "everything.local/hub").CombinedOutput()
	if err != nil {
		return fmt.Errorf("the hub's test of allocations: %w\n%s", err, out)
	}
	tests := strings.Count(string(out), "--- PASS")
	if tests == 0 {
		return fmt.Errorf("the hub has no test of allocations: %s", out)
	}
	f.add(Row{What: "allocation per delivered frame in hub", Measured: 0, Note: fmt.Sprintf("held by %d tests in hub", tests)})
	return nil
}
