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
	// Of all watchers a fifth stop reading, and half as many read slowly.
	stoppedPart, slowPart = 5, 10
	// slowly is what a slow reader waits between frames.
	slowly = 100 * time.Millisecond
	// littleBuffer is what the kernel takes for those that do not read.
	littleBuffer = 8 << 10
)

// stall measures what those who read feel of those who do not, on each wire:
// first all read, then some more stop or crawl, and then those have gone. The
// hub's memory must not grow with what is not read.
func stall(ctx context.Context, r *Run) error {
	m, err := openMenu(ctx, r, 0)
	if err != nil {
		return err
	}
	var ratios []float64
	for range r.Rounds {
		for _, w := range r.Wires {
			ratio, err := m.stall(ctx, w)
			if err != nil {
				return fmt.Errorf("%s: %w", w, err)
			}
			ratios = append(ratios, ratio)
		}
	}
	r.result.Figures["p99_with_stalled_to_without"] = *median(ratios)
	return m.shut(ctx)
}

func (m *menu) stall(ctx context.Context, w feed.Wire) (ratio float64, err error) {
	r, cell := m.run, m.run.cellsOf(string(w))
	course := check.NewCourse(3 * r.steps())
	c, err := m.gather(ctx, w, course, cell, m.step)
	if err != nil {
		return 0, err
	}
	defer c.leave()
	defer r.plots.show(string(w), c)()
	without, err := m.phase(ctx, c, course, 0)
	if err != nil {
		return 0, err
	}
	before, err := r.use()
	if err != nil {
		return 0, err
	}
	idle, err := m.idlers(ctx, w, course)
	if err != nil {
		return 0, err
	}
	defer idle.finish()
	with, err := m.phase(ctx, c, course, r.steps())
	if err != nil {
		return 0, err
	}
	after, err := r.use()
	if err != nil {
		return 0, err
	}
	if after != nil {
		r.result.Figures[string(w)+"_hub_grew_kib_per_stalled"] = float64(after.RSS-before.RSS) / 1024 / float64(len(idle.members))
	}
	if err := idle.comeBack(ctx); err != nil {
		return 0, err
	}
	if err := idle.judge(ctx); err != nil {
		return 0, err
	}
	// Before and after, or whatever else the machine did is in the ratio.
	again, err := m.phase(ctx, c, course, 2*r.steps())
	if err != nil {
		return 0, err
	}
	r.say("%-10s p99 %.2f ms, with %d stalled and slow %.2f ms, after them %.2f ms", w, without, len(idle.members), with, again)
	without = (without + again) / 2
	r.result.Figures[string(w)+"_p99_without_ms"], r.result.Figures[string(w)+"_p99_with_stalled_ms"] = without, with
	tally, err := m.judge(ctx, c, course)
	cell.took(c, tally)
	return with / without, err
}

// phase sends messages and returns the 99th percentile, in milliseconds.
func (m *menu) phase(ctx context.Context, c *crowd, course *check.Course, from int) (float64, error) {
	c.phase()
	err := m.publishFrom(ctx, course, from, time.Now(), m.run.Rate, m.run.steps())
	err = errors.Join(err, c.quiet(ctx, int64(len(c.members)*course.Count())))
	p := c.latencies.Load().Total()
	m.run.cellsOf(string(c.members[0].wire)).latencies.Merge(c.latencies.Load())
	return p.P99, err
}

// stalled are those who stop or crawl.
type stalled struct {
	*crowd

	menu   *menu
	course *check.Course
	// release lets them read on.
	release chan struct{}
}

func (m *menu) idlers(ctx context.Context, w feed.Wire, course *check.Course) (*stalled, error) {
	r := m.run
	at, err := r.site.Cursor(ctx)
	if err != nil {
		return nil, err
	}
	s := &stalled{newCrowd(r.dialer), m, course, make(chan struct{})}
	stopped := max(r.Watchers/stoppedPart, 1)
	for i := range stopped + max(r.Watchers/slowPart, 1) {
		// What happened before they came is not theirs to see.
		watcher := course.WatchFrom(fmt.Sprintf("stalled %d on %s", i, w), r.steps())
		s.add(w, feed.Ask{ReadBuffer: littleBuffer}, &track{topic: "menu", course: course, watcher: watcher, step: m.step, position: []byte(at)})
	}
	if err := s.connect(ctx, s.members); err != nil {
		s.leave()
		return nil, err
	}
	for i, member := range s.members {
		every := time.Duration(0)
		if i >= stopped {
			every = slowly
		}
		member.hold(s.release, every)
	}
	return s, nil
}

// finish ends them if nothing else has.
func (s *stalled) finish() {
	s.free()
	s.leave()
}

func (s *stalled) free() {
	select {
	case <-s.release:
	default:
		close(s.release)
	}
}

// comeBack lets all connect again from the position they had, as readers.
func (s *stalled) comeBack(ctx context.Context) error {
	s.free()
	for _, m := range s.members {
		m.drop()
	}
	for _, m := range s.members {
		<-m.ended
		m.letGo()
		for _, t := range m.tracks {
			t.watcher.Resume(sequence(t.position))
		}
	}
	if err := s.connect(ctx, s.members); err != nil {
		return fmt.Errorf("after the stall: %w", err)
	}
	return nil
}

// judge holds the stalled against the truth, too: they may have skipped states,
// but end in the same.
func (s *stalled) judge(ctx context.Context) error {
	tally, err := s.menu.judge(ctx, s.crowd, s.course)
	s.menu.run.result.Figures["stalled_conflated"] += float64(tally.Conflated)
	return err
}
