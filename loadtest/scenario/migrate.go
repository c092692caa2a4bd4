package scenario

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"everything.local/loadtest/check"
	"everything.local/loadtest/meter"
	"everything.local/loadtest/report"
	"everything.local/loadtest/site"
)

// migrate has clients change networks while messages flow, in every way that
// there is: each must be told everything, once, and the pause between two
// messages must be too short to notice.
func migrate(ctx context.Context, r *Run) error {
	chosen, err := r.journeys()
	if err != nil {
		return err
	}
	m, err := openMenu(ctx, r, 0)
	if err != nil {
		return err
	}
	for _, j := range chosen {
		if err := m.travel(ctx, j); err != nil {
			return fmt.Errorf("%s: %w", j.name, err)
		}
	}
	return m.shut(ctx)
}

// Journeys are the names of what migrate does.
func Journeys() (names []string) {
	for _, j := range journeys {
		names = append(names, j.name)
	}
	return names
}

// journeys are those asked for; else all that can be made.
func (r *Run) journeys() (chosen []*journey, err error) {
	for _, name := range r.Journeys {
		if !slices.Contains(Journeys(), name) {
			return nil, fmt.Errorf("%w: there is no journey %q; there are %s", ErrConfig, name, strings.Join(Journeys(), ", "))
		}
	}
	for _, j := range journeys {
		if len(r.Journeys) > 0 && !slices.Contains(r.Journeys, j.name) {
			continue
		}
		if j.name == "restart" && r.Restart == "" {
			if len(r.Journeys) > 0 {
				return nil, fmt.Errorf("%w: restart needs --restart, the command that does so", ErrConfig)
			}
			r.say("restart is left out: it needs --restart")
			continue
		}
		chosen = append(chosen, j)
	}
	return chosen, nil
}

// travel makes a journey with everybody, until there are switches enough.
func (m *menu) travel(ctx context.Context, j *journey) (err error) {
	r := m.run
	if j.fromEnd {
		defer func(site *site.Site) { r.site = site }(r.site)
		r.site = r.site.Patient(hubBack)
	}
	rounds := (r.Switches + r.Watchers - 1) / r.Watchers
	p, err := r.open(ctx, j)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close(ctx)) }()
	p.relay.SetWeather(j.weather)
	rate := cmp.Or(j.rate, r.Rate)
	size := int(rate * (departWithin + time.Duration(rounds)*(j.window+j.rest+spare)).Seconds())
	course, latencies := check.NewCourse(size), meter.NewLatencies()
	g, err := m.depart(ctx, p, j, course, latencies)
	if err != nil {
		return err
	}
	defer g.arrive()
	publishing, enough := context.WithCancel(ctx)
	defer enough()
	published := make(chan error, 1)
	go func() { published <- m.publishUntil(publishing, course, rate, size) }() // waited for below
	var pauses *pauses
	if j.atStart {
		pauses = g.departures()
	} else {
		pauses, err = m.switches(ctx, p, j, g, rounds)
	}
	enough()
	if err := errors.Join(err, <-published); err != nil {
		return err
	}
	if err := g.until(ctx, arriveWithin, func(t *traveller) bool { return t.watcher.Complete() }); err != nil {
		r.violated(err.Error())
	}
	g.arrive()
	if j.still {
		pauses.all = latencies
	}
	m.judgeJourney(j, g, pauses)
	return nil
}

// hubBack is within what a hub that is restarted must be back.
const hubBack = time.Minute

// spare is for what a switch takes beside its window and rest.
const spare = 10 * time.Second

// publishUntil sends at most size messages until ctx ends, and returns when all
// are answered.
func (m *menu) publishUntil(ctx context.Context, course *check.Course, rate float64, size int) error {
	some, start := max(int(rate), 1), time.Now() // a second's
	for from := 0; ctx.Err() == nil; from += some {
		if from+some > size {
			return errors.New("it took longer than it may")
		}
		// Not ctx: what was begun must be answered to be known.
		due := start.Add(time.Duration(float64(from) / rate * float64(time.Second)))
		if err := m.publishFrom(context.WithoutCancel(ctx), course, from, due, rate, some); err != nil {
			return err
		}
	}
	return nil
}

// pauses are those that switches made.
type pauses struct {
	all *meter.Latencies
	// calm are those of a second in which nothing was switched.
	calm        *meter.Latencies
	same, count int
}

// rest lets everybody settle, and then looks at how long pauses are anyway: the
// floor of what a switch may be blamed for.
func (m *menu) rest(ctx context.Context, j *journey, g *travelling, p *pauses) error {
	if j.brisk {
		return nil
	}
	if err := pause(ctx, j.rest); err != nil {
		return err
	}
	for _, t := range g.all {
		t.mark()
	}
	if err := pause(ctx, second); err != nil {
		return err
	}
	for n, t := range g.all {
		longest, _ := t.gap()
		p.calm.Record(n, longest)
	}
	return nil
}

// departures are how long everybody took to be live.
func (g *travelling) departures() *pauses {
	all := &pauses{all: meter.NewLatencies(), count: len(g.all)}
	for n, t := range g.all {
		t.mu.Lock()
		all.all.Record(n, t.live.Sub(t.began))
		t.mu.Unlock()
	}
	return all
}

// switches makes rounds of them.
func (m *menu) switches(ctx context.Context, p *place, j *journey, g *travelling, rounds int) (*pauses, error) {
	all := &pauses{all: meter.NewLatencies(), calm: meter.NewLatencies()}
	if err := pause(ctx, second); err != nil { // of the first messages
		return nil, err
	}
	for i := range rounds {
		if err := m.rest(ctx, j, g, all); err != nil {
			return nil, err
		}
		for _, t := range g.all {
			t.mark()
		}
		if err := j.move(ctx, m.run, p, i); err != nil {
			return nil, err
		}
		if j.fromEnd {
			for _, t := range g.all {
				t.returned()
			}
		}
		if err := pause(ctx, j.window); err != nil {
			return nil, err
		}
		for n, t := range g.all {
			longest, same := t.gap()
			all.all.Record(n, longest)
			all.count++
			if same {
				all.same++
			}
		}
		if j.back != nil {
			if err := j.back(ctx, m.run, p, i); err != nil {
				return nil, err
			}
		}
		m.run.say("%-16s switch %d of %d: longest pause %.0f ms", j.name, (i+1)*len(g.all), rounds*len(g.all), all.all.Interval().Most)
	}
	return all, nil
}

// judgeJourney holds everybody against what was sent.
func (m *menu) judgeJourney(j *journey, g *travelling, p *pauses) {
	r := m.run
	var tally check.Tally
	moves, took := 0, p.all.Total()
	for _, t := range g.all {
		for _, f := range t.watcher.Finish(nil) {
			r.violated(f.String())
		}
		for _, f := range t.faults {
			r.violated(f)
		}
		tally.Add(t.watcher.Tally)
		moves += t.moves
	}
	row := report.Move{
		Journey: j.name, Switches: p.count, P50: took.P50, P99: took.P99, Max: took.Most, Delivered: tally.Delivered, Lost: tally.Gaps, Conflated: tally.Conflated, Repeated: tally.Repeats + tally.Reordered,
		Moves: moves,
	}
	if p.calm != nil && !j.brisk {
		row.Calm = new(p.calm.Total().P99)
	}
	if j.same {
		row.Same = &p.same
	}
	if j.limit > 0 {
		row.Limit = new(float64(j.limit) / float64(time.Millisecond))
		if row.P99 > *row.Limit {
			r.violated(fmt.Sprintf("%s: 99 of 100 pauses are at most %.0f ms, which is above %.0f", j.name, row.P99, *row.Limit))
		}
	}
	if j.same && p.same < p.count {
		r.violated(fmt.Sprintf("%s: %d of %d switches lost the connection", j.name, p.count-p.same, p.count))
	}
	r.result.Moves = append(r.result.Moves, row)
}
