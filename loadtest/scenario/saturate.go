package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"everything.local/loadtest/check"
	"everything.local/loadtest/feed"
)

const (
	// faster is how much more each step tries, until one fails; then finer
	// steps find the limit to within a few per cent.
	faster = 1.6
	finer  = 3
	// chances is how often a step is tried before it has failed: on a machine
	// that others use, too, one that failed may have met them.
	chances = 2
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

// climb raises the rate until a step fails, and then tries in between.
func (b *bulk) climb(ctx context.Context, w feed.Wire, c *crowd, course *check.Course, cell *cells) error {
	var good, bad, most float64
	rate := b.run.Rate
	// Nobody's first messages count: memory and caches are cold.
	if _, _, err := b.try(ctx, w, c, course, rate/faster); err != nil {
		return err
	}
	for tries := 0; tries < finer && rate <= b.run.MaxRate; {
		var delivered float64
		var held bool
		for chance := 0; chance < chances && !held; chance++ {
			if !b.room(int(rate/float64(lines(rate))*b.run.For.Seconds()) + 1) {
				b.run.say("%-10s stops at %.0f messages/s: the hub has no room for more orders", w, good)
				return cell.held(most)
			}
			var err error
			if delivered, held, err = b.try(ctx, w, c, course, rate); err != nil {
				return err
			}
		}
		if held {
			good, most = rate, max(most, delivered)
			cell.latencies.Merge(c.latencies.Load())
		} else {
			bad = rate
		}
		switch {
		case bad == 0:
			rate *= faster
		case good == 0:
			rate /= faster * faster
			tries++
		default:
			rate = (good + bad) / 2
			tries++
		}
	}
	return cell.held(most)
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
	from, began := c.delivered.Load(), time.Now()
	each := lines(rate)
	orders := max(int(rate/float64(each)*b.run.For.Seconds()), 1)
	err = b.publish(ctx, course, rate/float64(each), orders, each)
	took := time.Since(began)
	want := int64(orders * each * len(c.members))
	err = errors.Join(err, c.quiet(ctx, from+want))
	if err != nil {
		return 0, false, err
	}
	l := c.latencies.Load().Total()
	got := c.delivered.Load() - from
	delivered = float64(got) / max(took, b.run.For).Seconds()
	held = got == want && l.P99 < float64(b.run.P99.Microseconds())/1000
	b.run.say("%-10s %7.0f messages/s: %.0f deliveries/s, p99 %.1f ms, %d skipped: %s", w, rate, delivered, l.P99, want-got, map[bool]string{true: "held", false: "not held"}[held])
	// Let a hub that fell behind come to rest, or the next step pays for this.
	return delivered, held, b.run.settle(ctx, settle/3)
}
