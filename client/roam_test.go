package client

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var (
	wifi = Path{"wifi", netip.MustParseAddr("10.78.0.2")}
	cell = Path{"cell", netip.MustParseAddr("10.79.0.2")}
)

// town is a Network of the test's, with a hub behind it. It is a carrier too.
type town struct {
	mu    sync.Mutex
	paths []Path
	// dark are the paths that lead nowhere, broken those without a socket.
	dark, broken map[Path]bool
	// at is the path that the connection is on, via the detour it takes, follows
	// the one that the hub sends by.
	at, via, follows Path
	packets          map[Path]uint64
	// deaf is how many kicks get lost.
	deaf     int
	kicks    []time.Duration
	probes   []Path
	released int
	changed  chan struct{}
	began    time.Time
}

const roundTrip = 4 * time.Millisecond

func (n *town) Paths(netip.Addr) ([]Path, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.paths, nil
}

func (*town) ListenUDP(Path) (*net.UDPConn, error)              { return nil, net.ErrClosed }
func (*town) DialTCP(context.Context, string) (net.Conn, error) { return nil, net.ErrClosed }

func (n *town) Watch(ctx context.Context, changed func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.changed:
			changed()
		}
	}
}

func (n *town) received(by Path) uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.packets[by]
}

func (n *town) beneath() Path {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.at
}

func (*town) answerWithin() time.Duration { return roundTrip + ackDelay }

func (n *town) kick() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.kicks = append(n.kicks, time.Since(n.began))
	out := n.at
	if n.via != (Path{}) {
		out = n.via
	}
	if n.deaf > 0 {
		n.deaf--
	} else if n.leads(out) {
		n.follows = out
		time.AfterFunc(roundTrip, func() { n.receive(out) })
	}
	return nil
}

func (n *town) receive(by Path) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.packets[by]++
}

// leads reports whether a path leads to the hub; n.mu is held.
func (n *town) leads(p Path) bool { return !n.dark[p] && slices.Contains(n.paths, p) }

func (n *town) detour(by Path) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.via = by
}

// probe is answered unless the hub sends by the path already.
func (n *town) probe(ctx context.Context, p Path) (way, error) {
	n.mu.Lock()
	n.probes = append(n.probes, p)
	broken := n.broken[p]
	n.mu.Unlock()
	if broken {
		return nil, net.ErrClosed
	}
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(roundTrip):
			n.mu.Lock()
			answered := n.leads(p) && n.follows != p
			n.mu.Unlock()
			if answered {
				n.receive(p)
				return &townWay{n, p}, nil
			}
		}
	}
}

type townWay struct {
	of *town
	to Path
}

func (w *townWay) take() error {
	w.of.mu.Lock()
	defer w.of.mu.Unlock()
	w.of.at, w.of.via = w.to, Path{}
	return nil
}

func (w *townWay) close() {
	w.of.mu.Lock()
	defer w.of.mu.Unlock()
	w.of.released++
}

// set changes the town, and tells of it if announced.
func (n *town) set(announced bool, change func()) {
	n.mu.Lock()
	change()
	n.mu.Unlock()
	if announced {
		n.changed <- struct{}{}
	}
}

func (n *town) asked() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.kicks)
}

// stroll runs a roamer in a town with both paths, wifi first, and frames that
// come every gap while the current path leads to the hub; 0 for none.
func stroll(t *testing.T, pace Pace, gap time.Duration, test func(*town, *roamer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &town{
			paths: []Path{wifi, cell}, dark: map[Path]bool{}, broken: map[Path]bool{}, packets: map[Path]uint64{},
			at: wifi, follows: wifi, changed: make(chan struct{}), began: time.Now(),
		}
		r := newRoamer(n, netip.MustParseAddr("10.77.0.1"), n, wifi, pace)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { r.run(ctx) })
		if gap > 0 {
			running.Go(func() {
				for ctx.Err() == nil {
					<-time.After(gap)
					n.mu.Lock()
					leads := n.leads(n.follows)
					if leads {
						n.packets[n.follows]++
					}
					n.mu.Unlock()
					if leads {
						r.heard()
					}
				}
			})
		}
		test(n, r)
		stop()
		running.Wait()
	})
}

// next waits for a signal and returns it with how long it took.
func next(t *testing.T, r *roamer) (signal, time.Duration) {
	t.Helper()
	since := time.Now()
	select {
	case s := <-r.signals:
		return s, time.Since(since)
	case <-time.After(time.Minute):
		t.Fatal("no signal")
		return signal{}, 0
	}
}

// TestRoamHasAHeartbeat holds the pace of kicks while nothing else happens.
func TestRoamHasAHeartbeat(t *testing.T) {
	for pace, beat := range map[Pace]time.Duration{Attentive: beatAttentive, Idle: beatIdle} {
		stroll(t, pace, 0, func(n *town, r *roamer) {
			<-time.After(3*beat + beat/2)
			n.mu.Lock()
			defer n.mu.Unlock()
			for i := 1; i < len(n.kicks); i++ {
				if gap := n.kicks[i] - n.kicks[i-1]; gap != beat {
					t.Errorf("%s: kicked after %v", pace, gap)
				}
			}
			if len(n.kicks) != 3 || len(n.probes) > 0 || len(r.signals) > 0 {
				t.Errorf("%s: %v, probed %v", pace, n.kicks, n.probes)
			}
		})
	}
}

// TestRoamLeavesADarkPath holds how soon a lively feed leaves a path that has
// fallen silent without going away, and that it goes to it no more.
func TestRoamLeavesADarkPath(t *testing.T) {
	stroll(t, Attentive, 20*time.Millisecond, func(n *town, r *roamer) {
		<-time.After(time.Second)
		n.set(false, func() { n.dark[wifi] = true })
		s, took := next(t, r)
		if want := (signal{moved, wifi, cell}); s != want {
			t.Errorf("%+v", s)
		}
		if most := lively + leastAnswer + roundTrip + 20*time.Millisecond; took > most {
			t.Errorf("left after %v", took)
		}
		n.set(true, func() {})
		<-time.After(distrust / 2)
		n.set(false, func() {
			if n.at != cell {
				t.Error("went back into the dark")
			}
		})
		n.set(false, func() { delete(n.dark, wifi) })
		s, _ = next(t, r)
		if want := (signal{moved, cell, wifi}); s != want {
			t.Errorf("%+v", s)
		}
	})
}

// TestRoamGoesAlong holds that a path which goes, and one which the system
// prefers, are followed at once.
func TestRoamGoesAlong(t *testing.T) {
	stroll(t, Attentive, 0, func(n *town, r *roamer) {
		<-time.After(time.Second)
		n.set(true, func() { n.paths = []Path{cell} })
		s, took := next(t, r)
		if s != (signal{moved, wifi, cell}) || took > roundTrip {
			t.Errorf("%+v after %v", s, took)
		}
		n.set(true, func() { n.paths = []Path{wifi, cell} })
		s, took = next(t, r)
		if s != (signal{moved, cell, wifi}) || took > roundTrip {
			t.Errorf("%+v after %v", s, took)
		}
	})
}

// TestRoamHasNowhereToGo holds that a watch is told when nothing comes and no
// path is known, and that the hub is asked on.
func TestRoamHasNowhereToGo(t *testing.T) {
	stroll(t, Attentive, 20*time.Millisecond, func(n *town, r *roamer) {
		n.set(true, func() { n.paths = []Path{wifi} })
		<-time.After(time.Second)
		n.set(false, func() { n.dark[wifi] = true })
		s, took := next(t, r)
		if s.kind != doubted || took > lively+leastAnswer+40*time.Millisecond {
			t.Errorf("%+v after %v", s, took)
		}
		before := n.asked()
		<-time.After(5 * time.Second)
		if more := n.asked() - before; more < 4 || more > 12 {
			t.Errorf("asked %d times in 5 s", more)
		}
		n.set(false, func() { delete(n.dark, wifi) })
		<-time.After(2 * time.Second)
		for len(r.signals) > 0 {
			<-r.signals
		}
		before = n.asked()
		<-time.After(3 * time.Second)
		if more := n.asked() - before; more > 3 || len(r.signals) > 0 {
			t.Errorf("asked %d times where frames come", more)
		}
	})
}

// TestRoamStaysWhereItIsWell holds that a preferred path which leads nowhere
// is probed and nothing else: the connection is in no doubt meanwhile.
func TestRoamStaysWhereItIsWell(t *testing.T) {
	for _, pace := range []Pace{Attentive, Idle} {
		stroll(t, pace, 0, func(n *town, r *roamer) {
			n.set(true, func() { n.paths = []Path{cell} })
			if s, _ := next(t, r); s != (signal{moved, wifi, cell}) {
				t.Errorf("%+v", s)
			}
			n.set(true, func() { n.dark[wifi], n.paths = true, []Path{wifi, cell} })
			<-time.After(5 * time.Minute)
			n.set(false, func() {
				if len(r.signals) > 0 || len(n.probes) < 5 || len(n.probes) > 40 {
					t.Errorf("%s: %d signals, %d probes", pace, len(r.signals), len(n.probes))
				}
			})
		})
	}
}

// TestRoamIsNotFooled holds that one kick that gets lost, where the other path
// leads nowhere, has the connection stay where it is.
func TestRoamIsNotFooled(t *testing.T) {
	stroll(t, Attentive, 300*time.Millisecond, func(n *town, r *roamer) {
		<-time.After(1500 * time.Millisecond)
		n.set(false, func() { n.dark[cell], n.deaf = true, 1 })
		<-time.After(20 * time.Second)
		n.set(false, func() {
			if n.at != wifi || n.via != (Path{}) || n.follows != wifi {
				t.Errorf("at %s by %s, the hub sends by %s", n.at, n.via, n.follows)
			}
		})
		for len(r.signals) > 0 {
			if s := <-r.signals; s.kind == moved {
				t.Errorf("%+v", s)
			}
		}
	})
}

// TestRoamIsFollowedUnasked holds that a hub which follows the detour before it
// has answered the probe is met there.
func TestRoamIsFollowedUnasked(t *testing.T) {
	stroll(t, Attentive, 20*time.Millisecond, func(n *town, r *roamer) {
		<-time.After(time.Second)
		n.set(false, func() { n.dark[wifi] = true })
		for sought := false; !sought; {
			<-time.After(time.Millisecond)
			n.set(false, func() { sought = len(n.probes) > 0 })
		}
		n.set(false, func() { n.follows = cell }) // which packets of QUIC's own may do
		s, took := next(t, r)
		for s.kind != moved {
			s, took = next(t, r)
		}
		if s != (signal{moved, wifi, cell}) || took > probeWithin+time.Second {
			t.Errorf("%+v after %v", s, took)
		}
		<-time.After(time.Second)
		n.set(false, func() {
			if n.via != cell && n.at != cell {
				t.Errorf("at %s by %s", n.at, n.via)
			}
		})
	})
}

// TestRoamIsInNoHurry holds that paths which cannot be probed are tried at the
// pace of kicks.
func TestRoamIsInNoHurry(t *testing.T) {
	stroll(t, Attentive, 0, func(n *town, r *roamer) {
		n.set(false, func() { n.dark[wifi], n.broken[cell] = true, true })
		<-time.After(10 * time.Second)
		n.set(false, func() {
			if len(n.probes) > 50 || len(n.kicks) > 50 {
				t.Errorf("%d probes and %d kicks in 10 s", len(n.probes), len(n.kicks))
			}
		})
	})
}

// TestRoamIsNotRestless holds that a feed which pauses costs a packet and no
// search.
func TestRoamIsNotRestless(t *testing.T) {
	stroll(t, Attentive, 0, func(n *town, r *roamer) {
		for range 50 {
			<-time.After(10 * time.Millisecond)
			n.receive(wifi)
			r.heard()
		}
		<-time.After(900 * time.Millisecond)
		n.set(false, func() {
			if len(n.kicks) != 1 || len(n.probes) > 0 {
				t.Errorf("kicked at %v, probed %v", n.kicks, n.probes)
			}
		})
	})
}

// TestRoamLetsGo holds that what a search finds too late is given back.
func TestRoamLetsGo(t *testing.T) {
	other := Path{"usb", netip.MustParseAddr("10.80.0.2")}
	stroll(t, Attentive, 0, func(n *town, r *roamer) {
		n.set(true, func() { n.paths = []Path{cell, other} })
		next(t, r)
		<-time.After(time.Second)
		n.set(false, func() {
			if n.released != 1 {
				t.Errorf("%d ways given back", n.released)
			}
		})
	})
}

// TestRhythm holds what a pause is.
func TestRhythm(t *testing.T) {
	at := time.Unix(0, 0)
	after := func(gaps ...time.Duration) time.Duration {
		r, now := rhythm{}, at
		r.heard(now)
		for _, g := range gaps {
			now = now.Add(g)
			r.heard(now)
		}
		if d := r.due(time.Second); !d.IsZero() {
			return d.Sub(now)
		}
		return 0
	}
	ms := time.Millisecond
	for _, c := range []struct {
		gaps []time.Duration
		want time.Duration
	}{
		{nil, 0},
		{[]time.Duration{10 * ms}, lively},
		{[]time.Duration{10 * ms, 10 * ms, 10 * ms}, lively},
		{[]time.Duration{50 * ms}, 200 * ms},
		{[]time.Duration{time.Second}, 0},
	} {
		if diff := cmp.Diff(c.want, after(c.gaps...)); diff != "" {
			t.Errorf("%v: %s", c.gaps, diff)
		}
	}
}
