package scenario

import (
	"context"
	"fmt"
	"strings"
	"time"

	"everything.local/loadtest/check"
	"everything.local/loadtest/feed"
	"everything.local/loadtest/floor"
	"everything.local/loadtest/report"
)

// flatWrites is about how many writes the floor's rate is measured with.
const flatWrites = 50_000

// tlsWrite is the floor's name in a report.
const tlsWrite = "tls_write"

// floorAlone measures the floor and nothing else.
func floorAlone(ctx context.Context, r *Run) error {
	if r.NoFloor {
		return fmt.Errorf("%w: the floor without the floor", ErrConfig)
	}
	for range r.Rounds {
		if _, err := r.floorCell(ctx, r.Watchers, r.Rate, r.steps()); err != nil {
			return err
		}
	}
	return nil
}

// floorFrame is a message as the floor writes it: as long as a hub's. The
// sequence, the cursor and the count have the message's number.
func (r *Run) floorFrame() string {
	value := `{"id":"load-000","name":"Load test 000","description":"","category":"Load test","position":900000,"price":{"amount":100,"currency":"EUR"},"available":true,"remaining":` + floor.Mark + `}`
	value = strings.Replace(value, `description":"`, `description":"`+strings.Repeat("x", max(r.Bytes-len(value), 0)), 1)
	return `{"topic":"menu","key":"load-000","seq":1` + floor.Mark + `,"value":` + value + `,"cursor":"` + r.hub.Epoch + `.1` + floor.Mark + `"}`
}

// floorCell lets the floor write what a hub would, to watchers like a hub's,
// and returns its processor time for a million writes; nil without a floor.
func (r *Run) floorCell(ctx context.Context, watchers int, rate float64, steps int) (*float64, error) {
	if r.bare == nil {
		return nil, nil
	}
	d := feed.NewDialer(feed.Config{Addr: r.bare.Addr, Host: r.bare.Addr, TLS: r.bare.TLS})
	defer d.Close()
	if _, err := r.bare.CarryOut(floor.Order{Drop: true}); err != nil {
		return nil, err
	}
	c := newCrowd(d)
	flat := max(flatWrites/watchers, 1)
	course, alike := check.NewCourse(steps+flat), new(familiar)
	for i := range watchers {
		c.add(feed.SSE, feed.Ask{}, &track{
			topic: "menu", course: course, watcher: course.Watch(fmt.Sprintf("watcher %d of the floor", i)),
			step: func(f *feed.Frame) int { return count(f.Value) }, alike: alike, latency: true,
		})
	}
	defer c.leave()
	if err := c.connect(ctx, c.members); err != nil {
		return nil, fmt.Errorf("floor: %w", err)
	}
	if err := pause(ctx, settle); err != nil {
		return nil, err
	}
	defer r.plots.show("floor", c)()
	return r.paced(ctx, c, course, rate, steps, flat)
}

// paced has the floor write at a pace, and then as fast as it can.
func (r *Run) paced(ctx context.Context, c *crowd, course *check.Course, rate float64, steps, flat int) (*float64, error) {
	cell := cellsIn(r.floors, tlsWrite)
	start := time.Now().Add(20 * time.Millisecond)
	for n := range steps + flat {
		course.Due(n, uint32(n), start.Add(time.Duration(float64(n)/rate*float64(time.Second))))
		course.Happened(n)
	}
	cpu, writes, err := r.floorOrder(ctx, c, floor.Order{Frame: r.floorFrame(), Count: steps, Rate: rate, StartNS: start.UnixNano()})
	if err != nil {
		return nil, err
	}
	cell.latencies.Merge(c.latencies.Load())
	cell.cpu = append(cell.cpu, cpu)
	if want := uint64(steps * len(c.members)); writes != want {
		r.violated(fmt.Sprintf("the floor made %d of %d writes", writes, want))
	}
	flatCPU, _, err := r.floorOrder(ctx, c, floor.Order{Frame: r.floorFrame(), From: steps, Count: flat})
	if err != nil {
		return nil, err
	}
	cell.most = append(cell.most, 1e6/flatCPU)
	r.result.Floor[tlsWrite] = cell.floor()
	return &cpu, nil
}

// floorOrder has an order carried out and returns the processor time for a
// million writes.
func (r *Run) floorOrder(ctx context.Context, c *crowd, o floor.Order) (cpu float64, writes uint64, err error) {
	before, err := r.bare.Meter.Use()
	if err != nil {
		return 0, 0, err
	}
	done, err := r.bare.CarryOut(o)
	if err != nil {
		return 0, 0, err
	}
	if err := c.quiet(ctx, int64((o.From+o.Count)*len(c.members))); err != nil {
		return 0, 0, err
	}
	after, err := r.bare.Meter.Use()
	if err != nil {
		return 0, 0, err
	}
	used := perMillion(&before, &after, uint64(done.Writes))
	if used == nil || *used == 0 {
		return 0, 0, fmt.Errorf("the floor's %d writes are too few to measure; take more watchers, a higher rate or more time", done.Writes)
	}
	return *used, uint64(done.Writes), nil
}

// floor is the cells as they are reported.
func (c *cells) floor() report.Floor {
	f := report.Floor{CPUPerMillion: median(c.cpu), PerS: median(c.most)}
	if p := c.latencies.Total(); p.Count > 0 {
		f.P50, f.P99 = &p.P50, &p.P99
	}
	return f
}
