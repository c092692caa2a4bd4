package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"everything.local/loadtest/check"
	"everything.local/loadtest/feed"
	"everything.local/loadtest/report"
)

// saturate finds the highest rate at which all is delivered, nothing is skipped
// and the 99th percentile holds. Rate is where it begins, in messages a second.
func saturate(ctx context.Context, r *Run) error {
	b, err := openBulk(ctx, r)
	if err != nil {
		return err
	}
	for range r.Rounds {
		if _, err := r.floorCell(ctx, r.Watchers, 20, 20); err != nil {
			return err
		}
		for _, w := range r.Wires {
			if err := b.cell(ctx, w); err != nil {
				return fmt.Errorf("%s: %w", w, err)
			}
		}
	}
	for w, c := range r.cells {
		most, bare := median(c.most), r.result.Floor[tlsWrite].PerS
		if most != nil && bare != nil {
			r.result.Figures[string(w)+"_max_to_floor"] = *most / *bare
		}
	}
	return b.shut(ctx)
}

// cell finds the limit of one wire.
func (b *bulk) cell(ctx context.Context, w feed.Wire) error {
	r, cell := b.run, b.run.cellsOf(string(w))
	course := check.NewCourse(mostOpen * perOrder)
	c, err := b.gather(ctx, w, course, cell, b.step)
	if err != nil {
		return err
	}
	defer c.leave()
	hide := r.plots.show(string(w), c)
	err = b.climb(ctx, w, c, course, cell)
	hide()
	if err != nil {
		return err
	}
	tally, err := b.judge(ctx, c, course)
	if err != nil {
		return err
	}
	cell.Add(tally)
	return b.clear(ctx)
}

// climb searches for the highest rate that is held.
func (b *bulk) climb(ctx context.Context, w feed.Wire, c *crowd, course *check.Course, cell *cells) error {
	most, s := 0.0, search{rate: b.run.Rate}
	// Nobody's first messages count: memory and caches are cold.
	if _, err := b.try(ctx, w, c, course, s.rate/faster); err != nil {
		return err
	}
	for more := true; more && s.rate <= b.run.MaxRate; {
		if orders, _ := b.ordersAt(s.rate); !b.room(tries * orders) {
			b.run.say("%-10s stops at %.0f messages/s: the hub has no room for more orders", w, s.good)
			break
		}
		delivered, err := b.decide(ctx, w, c, course, cell, s.rate)
		if err != nil {
			return err
		}
		most = max(most, delivered)
		more = s.next(delivered > 0)
	}
	return cell.held(most)
}

// decide tries a rate until it is decided, and returns what was delivered a
// second, 0 where it was not held.
func (b *bulk) decide(ctx context.Context, w feed.Wire, c *crowd, course *check.Course, cell *cells, rate float64) (most float64, err error) {
	v, half := ballot{}, b.limit()/2
	for decided := false; !decided; {
		t, err := b.try(ctx, w, c, course, rate)
		if err != nil {
			return 0, err
		}
		if t.Held {
			most = max(most, t.PerS)
			cell.latencies.Merge(c.latencies.Load())
		}
		decided = v.cast(t.Held, t.P99 < half)
	}
	if !v.held() {
		return 0, nil
	}
	return most, nil
}

// limit is what the 99th percentile must stay below, in milliseconds.
func (b *bulk) limit() float64 { return float64(b.run.P99.Microseconds()) / 1000 }

// ordersAt is how many orders a try of a rate places, and of how many lines
// each.
func (b *bulk) ordersAt(rate float64) (orders, each int) {
	each = lines(rate)
	return max(int(rate/float64(each)*b.stepFor(rate).Seconds()), 1), each
}

// stepFor is how long a rate is tried: so long that a percentile is of some
// dozens of messages, not of the slowest one.
func (b *bulk) stepFor(rate float64) time.Duration {
	const messages = 100
	return max(b.run.For, min(time.Duration(messages/rate*float64(time.Second)), 3*b.run.For))
}

// errNone is a hub that holds no rate at all.
var errNone = errors.New("the hub held none of the rates; begin with a lower --rate, or fewer --watchers")

// held notes the most that was delivered a second.
func (c *cells) held(most float64) error {
	if most == 0 {
		return errNone
	}
	c.most = append(c.most, most)
	return nil
}

// try tries a rate once.
func (b *bulk) try(ctx context.Context, w feed.Wire, c *crowd, course *check.Course, rate float64) (t report.Step, err error) {
	c.phase()
	from, reads, began, busy := c.delivered.Load(), c.reads.Load(), time.Now(), b.run.busy()
	orders, each := b.ordersAt(rate)
	err = b.publish(ctx, course, rate/float64(each), orders, each)
	took := time.Since(began)
	want := int64(orders * each * len(c.members))
	if err = errors.Join(err, c.quiet(ctx, from+want)); err != nil {
		return t, err
	}
	l := c.latencies.Load().Total()
	got := c.delivered.Load() - from
	t = report.Step{
		Wire: string(w), Rate: rate, PerS: float64(got) / max(took, b.stepFor(rate)).Seconds(), P50: l.P50, P99: l.P99,
		PerRead: float64(got) / float64(max(c.reads.Load()-reads, 1)), Held: got == want && l.P99 < b.limit(),
	}
	t.HubCore, t.HarnessCore = busy()
	b.run.result.Steps = append(b.run.result.Steps, t)
	b.run.say("%s, %d skipped", t, want-got)
	// Let a hub that fell behind come to rest, or the next step pays for this.
	return t, b.run.settle(ctx, settle/3)
}
