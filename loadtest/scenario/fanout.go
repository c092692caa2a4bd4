package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"everything.local/loadtest/check"
	"everything.local/loadtest/feed"
)

// settle is how long what was connected is left alone before it is measured:
// the hub gives back what handshakes took.
const settle = 1500 * time.Millisecond

// fanout sends each message to many watchers of one topic.
func fanout(ctx context.Context, r *Run) error {
	m, err := openMenu(ctx, r, 0)
	if err != nil {
		return err
	}
	for round := range r.Rounds {
		r.say("round %d of %d", round+1, r.Rounds)
		for _, w := range r.Wires {
			bare, err := r.floorCell(ctx, r.Watchers, r.Rate, r.steps())
			if err != nil {
				return err
			}
			if err := m.cell(ctx, w, bare); err != nil {
				return fmt.Errorf("%s: %w", w, err)
			}
		}
		if err := m.commandsAlone(ctx); err != nil {
			return err
		}
	}
	return m.shut(ctx)
}

// cell measures one wire once, beside a floor.
func (m *menu) cell(ctx context.Context, w feed.Wire, bare *float64) error {
	r, name := m.run, string(w)
	cell := r.cellsOf(name)
	course := check.NewCourse(r.steps())
	c, err := m.gather(ctx, w, course, cell, m.step)
	if err != nil {
		return err
	}
	defer c.leave()
	before, err := r.use()
	if err != nil {
		return err
	}
	defer r.plots.show(name, c)()
	err = m.publish(ctx, course, time.Now(), r.Rate, r.steps())
	if e := c.quiet(ctx, int64(r.Watchers*course.Count())); err == nil {
		err = e
	}
	after, e := r.use()
	if err = errors.Join(err, e); err != nil {
		return err
	}
	tally, err := m.judge(ctx, c, course)
	if err != nil {
		return err
	}
	cell.took(c, tally)
	if cpu := perMillion(before, after, tally.Delivered); cpu != nil {
		cell.cpu = append(cell.cpu, *cpu)
		if bare != nil {
			cell.ratio = append(cell.ratio, *cpu / *bare)
		}
	}
	return nil
}

// gather connects watchers of the menu from where it is now on.
func (m *menu) gather(ctx context.Context, w feed.Wire, course *check.Course, cell *cells, step func(*feed.Frame) int) (*crowd, error) {
	r := m.run
	position, err := r.site.Cursor(ctx)
	if err != nil {
		return nil, err
	}
	c, alike := newCrowd(r.dialer), new(familiar)
	for i := range r.Watchers {
		c.add(w, feed.Ask{}, &track{
			topic: "menu", course: course, watcher: course.Watch(fmt.Sprintf("watcher %d on %s", i, w)),
			step: step, alike: alike, latency: true, position: []byte(position),
		})
	}
	began := time.Now()
	if err := c.connect(ctx, c.members); err != nil {
		c.leave()
		return nil, err
	}
	cell.connects = append(cell.connects, perSecond(r.Watchers, time.Since(began)))
	if err := r.settle(ctx, settle); err != nil {
		c.leave()
		return nil, err
	}
	return c, nil
}

// judge lets everybody leave and holds what they saw against the truth.
func (m *menu) judge(ctx context.Context, c *crowd, course *check.Course) (check.Tally, error) {
	c.leave()
	truth, err := m.truth(ctx)
	if err != nil {
		return check.Tally{}, err
	}
	tally, faults := c.tally(truths{course: truth})
	for _, f := range faults {
		m.run.violated(f)
	}
	if tally.Delivered == 0 && tally.Expected > 0 {
		m.run.violated("nothing was delivered")
	}
	return tally, nil
}

// commandsAlone measures what the commands of a cell cost without a watcher.
func (m *menu) commandsAlone(ctx context.Context) error {
	r := m.run
	before, err := r.use()
	if err != nil || before == nil {
		return err
	}
	course := check.NewCourse(r.steps())
	if err := m.publish(ctx, course, time.Now(), r.Rate, r.steps()); err != nil {
		return err
	}
	after, err := r.use()
	if err != nil {
		return err
	}
	cost := perMillion(before, after, uint64(r.Watchers*course.Count()))
	for _, c := range r.cells {
		c.commands = append(c.commands, *cost)
	}
	r.result.Figures["hub_cpu_ms_per_command"] = (after.CPU - before.CPU).Seconds() * 1000 / float64(course.Count())
	return nil
}
