package scenario

import (
	"context"
	"fmt"
	"slices"
	"time"

	"everything.local/loadtest/check"
	"everything.local/loadtest/feed"
	"everything.local/loadtest/meter"
)

// screens is how many kitchens and how many boards there are on each wire.
const screens = 2

// cafe is a busy café: kitchens, boards and guests' phones on their private
// topics, whole orders through all their steps, and then the same with many
// more who watch and wait.
func cafe(ctx context.Context, r *Run) error {
	phases := 1
	if r.Watchers > 0 {
		phases = 2
	}
	o, err := openOrders(ctx, r, r.Rounds*phases*r.steps())
	if err != nil {
		return err
	}
	c, err := o.gather(ctx)
	if err != nil {
		return err
	}
	defer leaveAll(c)
	alone, loaded := meter.NewLatencies(), meter.NewLatencies()
	for range r.Rounds {
		if err := r.orderFloor(ctx); err != nil {
			return err
		}
		if err := o.phase(ctx, c, alone, ""); err != nil {
			return err
		}
	}
	if err := r.orderFloor(ctx); err != nil {
		return err
	}
	if phases > 1 {
		if err := o.crowded(ctx, c, loaded); err != nil {
			return err
		}
	}
	if err := o.judge(ctx, c); err != nil {
		return err
	}
	o.figures(alone, loaded)
	return nil
}

// gather connects the screens and the guests' phones.
func (o *orders) gather(ctx context.Context) (map[feed.Wire]*crowd, error) {
	r := o.run
	at, err := r.site.Cursor(ctx)
	if err != nil {
		return nil, err
	}
	follow := func(name, topic string, c *check.Course, v *sight, latency bool) *track {
		v.orders = map[string]int{}
		return &track{topic: topic, course: c, watcher: c.Watch(name), step: v.step, position: []byte(at), latency: latency}
	}
	crowds := map[feed.Wire]*crowd{}
	for _, w := range r.Wires {
		c := newCrowd(r.dialer)
		crowds[w] = c
		for i := range screens {
			c.add(w, feed.Ask{Token: r.Token}, follow(fmt.Sprintf("kitchen %d on %s", i, w), "kitchen", o.kitchen, &sight{every: 1, ends: true}, true))
			c.add(w, feed.Ask{}, follow(fmt.Sprintf("board %d on %s", i, w), "board", o.board, &sight{every: 1, ends: true}, false))
		}
	}
	for i, g := range o.guests {
		w := r.Wires[i%len(r.Wires)]
		crowds[w].add(w, feed.Ask{Token: g.Token, Attentive: true},
			follow(fmt.Sprintf("guest %d on %s", i, w), "orders/"+g.Customer, o.own[i], &sight{every: len(o.guests)}, false))
	}
	for w, c := range crowds {
		if err := c.connect(ctx, c.members); err != nil {
			leaveAll(crowds)
			return nil, fmt.Errorf("%s: %w", w, err)
		}
	}
	return crowds, nil
}

func leaveAll(crowds map[feed.Wire]*crowd) {
	for _, c := range crowds {
		c.leave()
	}
}

// phase has orders for a while and adds the kitchens' latencies to sum.
func (o *orders) phase(ctx context.Context, crowds map[feed.Wire]*crowd, sum *meter.Latencies, name string) error {
	r := o.run
	for w, c := range crowds {
		c.phase()
		defer r.plots.show(string(w)+name, c)()
	}
	if err := o.publish(ctx, r.Rate, r.steps()); err != nil {
		return err
	}
	for w, c := range crowds {
		if err := c.quiet(ctx, expected(c)); err != nil {
			return err
		}
		sum.Merge(c.latencies.Load())
		r.cellsOf(string(w)).latencies.Merge(c.latencies.Load())
	}
	return nil
}

// expected is how much a crowd has been sent when it has been sent everything.
func expected(c *crowd) (n int64) {
	for _, m := range c.members {
		for _, t := range m.tracks {
			n += int64(t.course.Count())
		}
	}
	return n
}

// crowded is a phase with many more who watch.
func (o *orders) crowded(ctx context.Context, crowds map[feed.Wire]*crowd, loaded *meter.Latencies) error {
	r := o.run
	before, err := r.use()
	if err != nil {
		return err
	}
	began := time.Now()
	idle, err := r.openIdle(ctx)
	if err != nil {
		return err
	}
	defer idle.leave()
	r.say("%d more watch, connected in %.1f s", r.Watchers, time.Since(began).Seconds())
	if err := r.settle(ctx, idleFor); err != nil {
		return err
	}
	after, err := r.use()
	if err != nil {
		return err
	}
	if after != nil {
		r.result.Figures["idle_kib_per_watcher"] = float64(after.RSS-before.RSS) / 1024 / float64(r.Watchers)
	}
	for range r.Rounds {
		if err := o.phase(ctx, crowds, loaded, " with "+fmt.Sprint(r.Watchers)); err != nil {
			return err
		}
	}
	return idle.announce(ctx)
}

// judge holds everybody against what the hub has now.
func (o *orders) judge(ctx context.Context, crowds map[feed.Wire]*crowd) error {
	r := o.run
	leaveAll(crowds)
	all := truths{}
	read := func(course *check.Course, topic, token string, every int) error {
		truth := &check.Truth{Entries: map[uint32]check.Entry{}, Partial: every > 1}
		all[course] = truth
		return r.snapshot(ctx, topic, token, func(f *feed.Frame) {
			if n := number(f.Value); n >= 0 {
				truth.Entries[uint32(n/every)] = check.Entry{Seq: f.Seq, Value: digest(f.Value)}
			}
		})
	}
	if err := read(o.kitchen, "kitchen", r.Token, 1); err != nil {
		return err
	}
	if err := read(o.board, "board", "", 1); err != nil {
		return err
	}
	for i, g := range o.guests {
		if err := read(o.own[i], "orders/"+g.Customer, g.Token, max(len(o.guests), 2)); err != nil {
			return err
		}
	}
	for w, c := range crowds {
		tally, faults := c.tally(all)
		r.cellsOf(string(w)).Add(tally)
		for _, f := range faults {
			r.violated(f)
		}
	}
	return nil
}

// figures are how long an order takes to the kitchen's screen.
func (o *orders) figures(alone, loaded *meter.Latencies) {
	f := o.run.result.Figures
	a, l := alone.Total(), loaded.Total()
	f["sent_to_tv_p50_ms"], f["sent_to_tv_p99_ms"] = a.P50, a.P99
	if l.Count > 0 {
		f["loaded_sent_to_tv_p50_ms"], f["loaded_sent_to_tv_p99_ms"] = l.P50, l.P99
		f["loaded_to_unloaded_p99"] = l.P99 / a.P99
	}
	for _, name := range slices.Sorted(slices.Values([]string{fsync, tlsRTT, both})) {
		if c, ok := o.run.floors[name]; ok {
			o.run.result.Floor[name] = c.floor()
		}
	}
	if least := o.run.result.Floor[both].P99; least != nil {
		f["sent_to_tv_p99_to_floor"] = a.P99 / *least
	}
}
