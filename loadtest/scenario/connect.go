package scenario

import (
	"context"
	"fmt"
	"time"

	"everything.local/loadtest/check"
	"everything.local/loadtest/feed"
	"everything.local/loadtest/meter"
)

// connect measures how fast watchers come and what each costs while nothing
// happens. What the hub keeps of those that left before counts against those
// that come later: for an exact figure measure one wire on a hub that was just
// started.
func connect(ctx context.Context, r *Run) error {
	for _, w := range r.Wires {
		if err := r.visit(ctx, w, visitors); err != nil {
			return fmt.Errorf("%s: %w", w, err)
		}
	}
	if err := r.settle(ctx, idle); err != nil {
		return err
	}
	before, err := r.use()
	if err != nil {
		return err
	}
	for range r.Rounds {
		for _, w := range r.Wires {
			if err := r.connectCell(ctx, w, before); err != nil {
				return fmt.Errorf("%s: %w", w, err)
			}
		}
	}
	return nil
}

// visitors come and leave before anything is measured: what a hub needs for its
// first client of a wire is no part of what each costs.
const visitors = 64

// visit connects n watchers and lets them leave.
func (r *Run) visit(ctx context.Context, w feed.Wire, n int) error {
	c := newCrowd(r.dialer)
	r.addIdle(c, w, n)
	defer c.leave()
	return c.connect(ctx, c.members)
}

// addIdle adds watchers of something that does not happen.
func (r *Run) addIdle(c *crowd, w feed.Wire, n int) {
	course := check.NewCourse(0)
	for i := range n {
		c.add(w, feed.Ask{Token: r.Token}, r.nothing(course, "announcements", fmt.Sprintf("watcher %d on %s", i, w)))
	}
}

// idle is how long watchers are left alone before their memory is read: a hub
// gives back what handshakes took in its own time, ours within 5 s.
const idle = 7 * time.Second

func (r *Run) connectCell(ctx context.Context, w feed.Wire, before *meter.Use) error {
	cell := r.cellsOf(string(w))
	c := newCrowd(r.dialer)
	defer c.leave()
	r.addIdle(c, w, r.Watchers)
	began := time.Now()
	if err := c.connect(ctx, c.members); err != nil {
		return err
	}
	took := time.Since(began)
	cell.connects = append(cell.connects, perSecond(r.Watchers, took))
	r.say("%-10s %d connected in %.2f s", w, r.Watchers, took.Seconds())
	if err := r.settle(ctx, idle); err != nil {
		return err
	}
	after, err := r.use()
	if err != nil {
		return err
	}
	if after != nil {
		cell.memory = append(cell.memory, float64(after.RSS-before.RSS)/1024/float64(r.Watchers))
	}
	c.leave()
	for _, f := range c.faults {
		r.violated(f)
	}
	return nil
}

// nothing follows a topic on which nothing is expected.
func (*Run) nothing(course *check.Course, topic, name string) *track {
	return &track{topic: topic, course: course, watcher: course.Watch(name), step: func(*feed.Frame) int { return -1 }}
}
