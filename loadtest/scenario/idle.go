package scenario

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"everything.local/loadtest/check"
	"everything.local/loadtest/feed"
)

// idleFor is how long they are left alone before their memory is read.
const idleFor = idle

// Share is how much of a crowd is on a wire.
type Share struct {
	Wire  feed.Wire
	Parts int
}

// wireOf is the wire of the i-th watcher of a mixed crowd.
func (r *Run) wireOf(i int) feed.Wire {
	sum := 0
	for _, s := range r.Mix {
		sum += s.Parts
	}
	if sum == 0 {
		return r.Wires[i%len(r.Wires)]
	}
	// Spread evenly, so that any part of the crowd is mixed alike.
	at := i * 61 % 100 * sum / 100
	for _, s := range r.Mix {
		if at -= s.Parts; at < 0 {
			return s.Wire
		}
	}
	return r.Mix[0].Wire
}

// idlers watch and wait, each for orders of their own and for announcements.
type idlers struct {
	*crowd

	run    *Run
	course *check.Course
}

// openIdle connects r.Watchers of them.
func (r *Run) openIdle(ctx context.Context) (*idlers, error) {
	at, err := r.site.Cursor(ctx)
	if err != nil {
		return nil, err
	}
	l := &idlers{newCrowd(r.dialer), r, check.NewCourse(1)}
	none := check.NewCourse(0)
	for i := range r.Watchers {
		w := r.wireOf(i)
		name := fmt.Sprintf("idle watcher %d on %s", i, w)
		own := r.nothing(none, "orders/"+strings.ToLower(rand.Text()), name)
		own.position = []byte(at)
		l.add(w, feed.Ask{Token: r.Token}, own, &track{
			topic: "announcements", course: l.course, watcher: l.course.Watch(name), step: announced, latency: true, position: []byte(at),
		})
	}
	if err := l.connect(ctx, l.members); err != nil {
		l.leave()
		return nil, err
	}
	return l, nil
}

// announcement is a text that nobody else writes.
const announcement = "This is a load test"

func announced(f *feed.Frame) int {
	if strings.Contains(string(f.Value), announcement) {
		return 0
	}
	return -1
}

// announce tells all of them something, and checks that everybody has heard.
func (l *idlers) announce(ctx context.Context) error {
	l.course.Due(0, 0, time.Now())
	id, err := l.run.site.Announce(ctx, announcement)
	if err != nil {
		return err
	}
	l.course.Happened(0)
	if err := l.quiet(ctx, int64(len(l.members))); err != nil {
		return err
	}
	l.leave()
	tally, faults := l.tally(nil)
	for _, f := range faults {
		l.run.violated(f)
	}
	p := l.latencies.Load().Total()
	l.run.result.Figures["idle_heard"] = float64(tally.Delivered)
	l.run.result.Figures["idle_heard_p99_ms"] = p.P99
	return l.run.site.Withdraw(ctx, id)
}
