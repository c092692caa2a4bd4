package scenario

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"everything.local/client"
	"everything.local/event"
	"everything.local/loadtest/check"
	"everything.local/loadtest/feed"
	"everything.local/loadtest/meter"
)

// sendEvery is how often a traveller who sends does so: an app whose owner is
// doing something.
const sendEvery = 50 * time.Millisecond

// byThen is when a pause has begun that a switch makes. Later a connection may
// take another one's place as it likes.
const byThen = 200 * time.Millisecond

// traveller is a client of the project's library that follows the menu wherever
// it goes.
type traveller struct {
	id      int
	name    string
	client  *client.Client
	watcher *check.Watcher
	menu    *menu
	// latencies is of all travellers.
	latencies *meter.Latencies

	mu sync.Mutex
	// began is when it departed, live when it was so for the first time.
	began, live time.Time
	// last is when an entry came, longest the longest pause since mark.
	last    time.Time
	longest time.Duration
	status  client.Status
	// marked is the connection at mark, since that moment, and after the one at
	// the end of the pause that the switch made.
	marked, after int
	since         time.Time
	moves         int
	faults        []string
	err           error
}

// watch follows until ctx ends.
func (t *traveller) watch(ctx context.Context, pace client.Pace) {
	for u, err := range t.client.Watch(ctx, client.Request{Topics: []string{"menu"}, Pace: pace}) {
		t.mu.Lock()
		switch {
		case err != nil:
			t.err = err
		case u.Status != nil:
			t.tell(*u.Status)
		default:
			t.take(u.Frame)
		}
		t.mu.Unlock()
	}
}

// tell takes a status; t.mu is held.
func (t *traveller) tell(s client.Status) {
	t.status = s
	if s.Moved != nil {
		t.moves++
	}
	if t.live.IsZero() && s.State == client.Live {
		t.live = time.Now()
	}
}

// take takes a frame; t.mu is held.
func (t *traveller) take(f client.Frame) {
	switch {
	case f.Reset:
		t.watcher.Reset()
	case f.Live:
		t.watcher.Live()
	case f.Topic == event.Menu && f.Value != nil:
		t.entry(f)
	}
}

func (t *traveller) entry(f client.Frame) {
	step := t.menu.step(&feed.Frame{Key: []byte(f.Key), Value: f.Value})
	if step < 0 {
		return
	}
	now := time.Now()
	gap := now.Sub(t.last)
	if gap > t.longest && t.last.Sub(t.since) < byThen {
		t.after = t.status.Connection
	}
	t.longest, t.last = max(t.longest, gap), now
	due, fresh, fault := t.watcher.Take(step, f.Seq, digest(f.Value))
	if fresh {
		t.latencies.Record(t.id, now.Sub(due))
	}
	if fault != nil && len(t.faults) < maxViolations {
		t.faults = append(t.faults, fault.String())
	}
}

// returned says that the switch is over: the pause counts from now on.
func (t *traveller) returned() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.longest, t.last = 0, time.Now()
}

// mark begins to look for the longest pause.
func (t *traveller) mark() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.longest, t.marked = 0, t.status.Connection
	t.after, t.since = t.marked, time.Now()
}

// gap is the longest pause between two entries since mark, and whether the
// connection has stayed the same until the pause was over.
func (t *traveller) gap() (longest time.Duration, same bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(t.longest, time.Since(t.last)), t.after == t.marked && t.last.After(t.since)
}

// send asks the hub who it is, again and again, over the connection that the
// feed is on.
func (t *traveller) send(ctx context.Context) {
	every := time.NewTicker(sendEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			_, _ = t.client.Hub(ctx) // that it is asked is what counts
		}
	}
}

// travelling is everybody who travels in one journey.
type travelling struct {
	all     []*traveller
	stop    context.CancelFunc
	running sync.WaitGroup
}

// depart sends travellers on their way and returns once all are live.
func (m *menu) depart(ctx context.Context, p *place, j *journey, course *check.Course, latencies *meter.Latencies) (*travelling, error) {
	ctx, stop := context.WithCancel(ctx)
	g := &travelling{stop: stop}
	for i := range m.run.Watchers {
		c, err := client.New(client.Config{
			Hubs: []string{"https://" + p.relay.Addr().String()}, Token: client.StaticToken(m.run.Token),
			RootCAs: m.run.TLS.RootCAs, ServerName: m.run.TLS.ServerName, Network: p.network, Wire: j.wire,
		})
		if err != nil {
			g.arrive()
			return nil, err
		}
		name := fmt.Sprintf("traveller %d, %s", i, j.name)
		t := &traveller{id: i, name: name, client: c, watcher: course.Watch(name), menu: m, latencies: latencies, last: time.Now()}
		g.all = append(g.all, t)
		if j.atStart {
			if err := pause(ctx, apart); err != nil {
				g.arrive()
				return nil, err
			}
		}
		t.began = time.Now()
		g.running.Go(func() { t.watch(ctx, j.pace) })
		if j.sends {
			g.running.Go(func() { t.send(ctx) })
		}
	}
	if err := g.until(ctx, departWithin, func(t *traveller) bool { return !t.live.IsZero() }); err != nil {
		g.arrive()
		return nil, fmt.Errorf("%s: not everybody came on the way: %w", j.name, err)
	}
	return g, nil
}

// arrive ends everybody's journey.
func (g *travelling) arrive() {
	g.stop()
	g.running.Wait()
	for _, t := range g.all {
		_ = t.client.Close() // nothing is left that could fail
	}
}

const (
	// departWithin bounds how long travellers take to be live, arriveWithin how
	// long what was sent takes to come.
	departWithin = 30 * time.Second
	arriveWithin = 20 * time.Second
	lookAgain    = 20 * time.Millisecond
	// apart is how far from each other they depart whose departure is measured.
	apart = 20 * time.Millisecond
)

// until waits until something holds of everybody.
func (g *travelling) until(ctx context.Context, within time.Duration, holds func(*traveller) bool) error {
	deadline := time.Now().Add(within)
	for _, t := range g.all {
		for {
			t.mu.Lock()
			ok, err, status := holds(t), t.err, t.status
			t.mu.Unlock()
			if ok {
				break
			}
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			if time.Now().After(deadline) {
				said, _ := json.Marshal(status) // of plain members
				return fmt.Errorf("%s is not after %v: %s", t.name, within, said)
			}
			if err := pause(ctx, lookAgain); err != nil {
				return err
			}
		}
	}
	return nil
}
