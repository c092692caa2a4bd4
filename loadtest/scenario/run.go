package scenario

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"everything.local/loadtest/feed"
	"everything.local/loadtest/floor"
	"everything.local/loadtest/meter"
	"everything.local/loadtest/report"
	"everything.local/loadtest/site"
)

// The cores of a pinned run.
const (
	hubCore    = 0
	clientCore = 1
)

// scenarios is the registry: one line for each file.
var scenarios = map[string]func(context.Context, *Run) error{
	"cafe":     cafe,
	"connect":  connect,
	"fanout":   fanout,
	"floor":    floorAlone,
	"migrate":  migrate,
	"saturate": saturate,
	"soak":     soak,
	"stall":    stall,
	"storm":    storm,
}

// Names are the scenarios there are.
func Names() []string { return slices.Sorted(maps.Keys(scenarios)) }

// Run is one run of a scenario.
type Run struct {
	Config

	hub    site.Hub
	site   *site.Site
	dialer *feed.Dialer
	bare   *floor.Process
	result *report.Result
	cells  map[feed.Wire]*cells
	floors map[string]*cells
	plots  *plots
	began  time.Time
	saying sync.Mutex
}

// Do runs a scenario. It returns the result also with an error if it got that
// far. A result that did not pass is no error.
func Do(ctx context.Context, name string, c Config) (*report.Result, error) {
	scenario, ok := scenarios[name]
	if !ok {
		return nil, fmt.Errorf("%w: there is no scenario %q; there are %v", ErrConfig, name, Names())
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	r := newRun(name, c)
	defer r.close()
	if err := r.prepare(ctx); err != nil {
		return nil, err
	}
	err := r.watchPlots(ctx, func() error { return scenario(ctx, r) })
	r.finish()
	return r.result, err
}

func newRun(name string, c Config) *Run {
	r := &Run{
		Config: c, cells: map[feed.Wire]*cells{}, floors: map[string]*cells{}, began: time.Now(),
		site:   site.New("https://"+c.addr(), c.Token, c.TLS),
		dialer: feed.NewDialer(feed.Config{Addr: c.addr(), Host: c.Target.Host, TLS: c.TLS, Loopback: c.loopback()}),
	}
	r.plots = newPlots(r)
	r.result = &report.Result{
		Scenario: name, Target: c.Target.String(), Violations: []string{}, Series: []report.Series{}, Steps: []report.Step{}, Moves: []report.Move{},
		Floor: map[string]report.Floor{}, Wires: map[string]report.Wire{}, Figures: map[string]float64{},
		Machine: report.ThisMachine(), Commit: report.Commit(), Started: r.began.UTC().Truncate(time.Second),
		Parameters: report.Parameters{
			Watchers: c.Watchers, Rate: c.Rate, ForS: c.For.Seconds(), Rounds: c.Rounds, Pinned: c.Pin, Bytes: c.Bytes,
		},
	}
	for _, w := range c.Wires {
		r.result.Parameters.Wires = append(r.result.Parameters.Wires, string(w))
	}
	return r
}

// prepare looks at the hub and pins what is to be pinned.
func (r *Run) prepare(ctx context.Context) (err error) {
	if r.hub, err = r.site.Hub(ctx); err != nil {
		return fmt.Errorf("%s does not answer: %w", r.Target, err)
	}
	r.result.Hub = r.hub.Version
	if r.hub.Mode != "test" && !r.RealOrders {
		return fmt.Errorf("%w: %s is a %s hub. A load test changes the menu and places orders; start one with --mode test, or say --place-real-orders", ErrConfig, r.Target.Host, r.hub.Mode)
	}
	core := -1
	if r.Pin {
		if runtime.NumCPU() < 2 {
			return fmt.Errorf("%w: --pin needs two cores", ErrConfig)
		}
		if err := errors.Join(r.PID.Pin(hubCore), meter.Process(os.Getpid()).Pin(clientCore)); err != nil {
			return err
		}
		runtime.GOMAXPROCS(1)
		core = hubCore
	}
	if !r.NoFloor {
		r.bare, err = floor.Start(ctx, core, r.FloorArgs...)
	}
	return err
}

func (r *Run) close() {
	r.dialer.Close()
	r.site.Close()
	if r.bare != nil {
		_ = r.bare.Stop() // it has no say in the result
	}
}

// finish fills in what follows from what was measured.
func (r *Run) finish() {
	for w, c := range r.cells {
		r.result.Wires[string(w)] = c.wire()
	}
	for name, share := range r.plots.busiest {
		r.result.Figures[name+"_harness_core_percent"] = math.Round(share)
	}
	r.result.Series = append(r.plots.series(), r.result.Series...)
	r.result.TookS = time.Since(r.began).Seconds()
	r.result.Passed = len(r.result.Violations) == 0
}

// say tells who waits how it goes.
func (r *Run) say(format string, args ...any) {
	r.saying.Lock()
	defer r.saying.Unlock()
	fmt.Fprintf(r.Progress, "%6.1fs  %s\n", time.Since(r.began).Seconds(), fmt.Sprintf(format, args...))
}

// maxViolations bounds the report: what fails everywhere need not be told a
// thousand times.
const maxViolations = 50

// violated notes something that must not be.
func (r *Run) violated(what string) {
	if len(r.result.Violations) < maxViolations {
		r.result.Violations = append(r.result.Violations, what)
	}
}

// use is what the hub's process took, nil without --pid.
func (r *Run) use() (*meter.Use, error) {
	if r.PID == 0 {
		return nil, nil
	}
	u, err := r.PID.Use()
	if err != nil {
		return nil, fmt.Errorf("the hub's process %d: %w", r.PID, err)
	}
	return &u, nil
}

// settle leaves the hub alone for a while if its process is measured: it gives
// back what handshakes took.
func (r *Run) settle(ctx context.Context, d time.Duration) error {
	if r.PID == 0 {
		return ctx.Err()
	}
	return pause(ctx, d)
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
