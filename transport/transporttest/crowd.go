package transporttest

import (
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"everything.local/event"
	"everything.local/transport"
)

// DrainCrowd stops a hub that n clients follow, each on a connection of its
// own. Every one of them is told its slot at once, gets what still happens
// within it, and is let go at its end; the hub is done within its budget, and
// the slots are spread over the window.
func DrainCrowd(t *testing.T, way Way, n int) {
	const window = 4 * time.Second
	w := newWorld(t, way, setup{server: transport.ServerConfig{DrainWindow: window, MaxConnsPerAddress: 8 * n}})
	w.happen(put(event.Menu, "latte", 1))
	crowd := w.crowd(n)
	var after event.Cursor
	start := time.Now()
	w.stop()
	after = w.happen(put(event.Menu, "latte", 2))
	reports := make(chan departure, n)
	for _, m := range crowd {
		go func() { reports <- m.depart(after) }()
	}
	var quarters [4]int
	for range n {
		d := <-reports
		if d.err != nil {
			t.Fatalf("client %d: %v", d.client, d.err)
		}
		if d.slot > time.Second && !d.heard {
			t.Errorf("client %d left after %v without what happened before", d.client, d.slot)
		}
		quarters[min(int(4*d.slot/window), 3)]++
	}
	<-w.done
	took := time.Since(start)
	t.Logf("%d clients left in %v, by quarters of the window %v", n, took.Round(time.Millisecond), quarters)
	for i, q := range quarters {
		if q < n/5 {
			t.Errorf("%d of %d clients left in quarter %d of the window", q, n, i+1)
		}
	}
	if took > w.server.DrainBudget() {
		t.Errorf("the drain took %v, its budget is %v", took, w.server.DrainBudget())
	}
	w.closedFor(transport.Drained, uint64(n))
}

// member is one of a crowd.
type member struct {
	client int
	stream Stream
	f      *follower
}

// crowd connects n clients, some at a time, until all are live.
func (w *world) crowd(n int) []member {
	w.t.Helper()
	crowd := make([]member, n)
	errs := make(chan error, churners)
	var wg sync.WaitGroup
	for worker := range churners {
		wg.Go(func() {
			for i := worker; i < n; i += churners {
				crowd[i] = member{client: i, f: newFollower(event.Menu)}
				if err := w.join(&crowd[i]); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		w.t.Fatal(err)
	default:
	}
	return crowd
}

func (w *world) join(m *member) (err error) {
	if m.stream, err = w.client().Follow(w.t.Context(), Ask{Topics: "menu"}); err != nil {
		return err
	}
	for !m.f.Live && err == nil {
		_, err = m.next()
	}
	return err
}

func (m *member) next() (Frame, error) {
	fr, err := m.stream.Next()
	if err == nil {
		err = m.f.take(fr)
	}
	return fr, err
}

// departure is how a member left.
type departure struct {
	client int
	slot   time.Duration
	// heard says that it got what happened while the hub drained.
	heard bool
	err   error
}

// errNoGoaway is a feed that ended without one.
var errNoGoaway = errors.New("the feed ended without a goaway")

// depart follows to the end.
func (m *member) depart(after event.Cursor) departure {
	d := departure{client: m.client, err: errNoGoaway}
	for {
		fr, err := m.next()
		if fr.Goaway != nil {
			d.slot, d.err = time.Duration(fr.Goaway.WithinMS)*time.Millisecond, nil
		}
		d.heard = d.heard || m.f.Whole.Seq >= after.Seq
		if err == nil {
			continue
		}
		if !errors.Is(err, io.EOF) {
			d.err = errors.Join(d.err, err)
		}
		return d
	}
}
