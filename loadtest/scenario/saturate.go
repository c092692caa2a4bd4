package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"everything.local/loadtest/check"
	"everything.local/loadtest/feed"
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
	if _, _, err := b.try(ctx, w, c, course, s.rate/faster); err != nil {
		return err
	}
	for more := true; more && s.rate <= b.run.MaxRate; {
		if !b.room(int(s.rate/float64(lines(s.rate))*b.stepFor(s.rate).Seconds()) + 1) {
			b.run.say("%-10s stops at %.0f messages/s: the hub has no room for more orders", w, s.good)
			break
		}
		delivered, held, err := b.try(ctx, w, c, course, s.rate)
		if err != nil {
			return err
		}
		if held {
			most = max(most, delivered)
			cell.latencies.Merge(c.latencies.Load())
		}
		more = s.next(held)
	}
	return cell.held(most)
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

// try is one step: whether the rate was held, and what was delivered a second.
func (b *bulk) try(ctx context.Context, w feed.Wire, c *crowd, course *check.Course, rate float64) (delivered float64, held bool, err error) {
	c.phase()
	from, began, busy := c.delivered.Load(), time.Now(), b.run.busy()
	each := lines(rate)
	orders := max(int(rate/float64(each)*b.stepFor(rate).Seconds()), 1)
	err = b.publish(ctx, course, rate/float64(each), orders, each)
	took := time.Since(began)
	want := int64(orders * each * len(c.members))
	err = errors.Join(err, c.quiet(ctx, from+want))
	if err != nil {
		return 0, false, err
	}
	l := c.latencies.Load().Total()
	got := c.delivered.Load() - from
	delivered = float64(got) / max(took, b.stepFor(rate)).Seconds()
	held = got == want && l.P99 < float64(b.run.P99.Microseconds())/1000
	b.run.say("%-10s %7.0f messages/s: %.0f deliveries/s, p99 %.1f ms, %d skipped%s: %s", w, rate, delivered, l.P99, want-got, busy(), map[bool]string{true: "held", false: "not held"}[held])
	// Let a hub that fell behind come to rest, or the next step pays for this.
	return delivered, held, b.run.settle(ctx, settle/3)
}
