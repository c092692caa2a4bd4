package scenario

import (
	"context"
	"fmt"
	"time"

	"everything.local/loadtest/check"
	"everything.local/loadtest/feed"
)

// stormDialers is how many come back at once.
const stormDialers = 512

// storm lets everybody lose their connection at once, while messages go on, and
// come back with the position they had. Nobody may be sent a snapshot, for each
// has a position that the hub still knows, and nobody may miss a message.
func storm(ctx context.Context, r *Run) error {
	m, err := openMenu(ctx, r, 0)
	if err != nil {
		return err
	}
	for range r.Rounds {
		if err := m.storm(ctx); err != nil {
			return err
		}
	}
	return m.shut(ctx)
}

func (m *menu) storm(ctx context.Context) error {
	r := m.run
	course := check.NewCourse(r.steps())
	c, err := m.mixed(ctx, course)
	if err != nil {
		return err
	}
	defer c.leave()
	defer r.plots.show("storm", c)()
	publishing := make(chan error, 1)
	go func() { publishing <- m.publish(ctx, course, time.Now(), r.Rate, r.steps()) }()
	err = pause(ctx, r.For/3)
	if err == nil {
		err = m.lightning(ctx, c)
	}
	if e := <-publishing; err == nil {
		err = e
	}
	if err == nil {
		err = c.quiet(ctx, int64(len(c.members)*course.Count()))
	}
	if err != nil {
		return err
	}
	return m.judgeMixed(ctx, c, course)
}

// mixed connects watchers of the menu and the announcements on all wires.
func (m *menu) mixed(ctx context.Context, course *check.Course) (*crowd, error) {
	r := m.run
	at, err := r.site.Cursor(ctx)
	if err != nil {
		return nil, err
	}
	c, none := newCrowd(r.dialer), check.NewCourse(0)
	for i := range r.Watchers {
		w := r.wireOf(i)
		name := fmt.Sprintf("watcher %d on %s", i, w)
		quiet := r.nothing(none, "announcements", name)
		quiet.position = []byte(at)
		c.add(w, feed.Ask{Memory: feed.NewMemory()}, quiet, &track{
			topic: "menu", course: course, watcher: course.Watch(name), step: m.step, latency: true, position: []byte(at),
		})
	}
	if err := c.connect(ctx, c.members); err != nil {
		c.leave()
		return nil, err
	}
	return c, r.settle(ctx, settle)
}

// lightning cuts all connections and measures until all are live again.
func (m *menu) lightning(ctx context.Context, c *crowd) error {
	r := m.run
	for _, w := range c.members {
		w.drop()
	}
	for _, w := range c.members {
		<-w.ended
		for _, t := range w.tracks {
			t.watcher.Resume(sequence(t.position))
		}
	}
	c.parallel = stormDialers
	began := time.Now()
	if err := c.connect(ctx, c.members); err != nil {
		return fmt.Errorf("after the storm: %w", err)
	}
	took := time.Since(began)
	r.say("%d are live again after %.2f s", len(c.members), took.Seconds())
	f := r.result.Figures
	f["all_live_again_s"] = max(f["all_live_again_s"], took.Seconds())
	f["live_again_per_s"] = perSecond(len(c.members), took)
	return nil
}

// judgeMixed holds everybody against the truth, wire by wire.
func (m *menu) judgeMixed(ctx context.Context, c *crowd, course *check.Course) error {
	r := m.run
	c.leave()
	truth, err := m.truth(ctx)
	if err != nil {
		return err
	}
	for _, w := range r.Wires {
		part := newCrowd(r.dialer)
		for _, member := range c.members {
			if member.wire == w {
				part.members = append(part.members, member)
			}
		}
		tally, faults := part.tally(truths{course: truth})
		cell := r.cellsOf(string(w))
		cell.Add(tally)
		for _, f := range faults {
			r.violated(f)
		}
		if tally.Resets > 0 {
			r.violated(fmt.Sprintf("%d snapshots were sent on %s to watchers that gave a position", tally.Resets, w))
		}
	}
	for _, f := range c.faults {
		r.violated(f)
	}
	r.result.Figures["catching_up_p99_ms"] = c.latencies.Load().Total().P99
	return nil
}
