package client

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// followUps are when more kicks follow the one after a move, until a frame comes:
// the hub has to prove the new path before it follows, and the packet that it
// proves it by may be lost, or overtaken. It asks again after 100 ms at first.
var followUps = []time.Duration{5 * time.Millisecond, 20 * time.Millisecond, 60 * time.Millisecond, 110 * time.Millisecond, 250 * time.Millisecond}

const (
	// leastAnswer and mostAnswer bound how long the answer to a packet is
	// waited for. A hub answers at once but may put it off for 25 ms (RFC 9000,
	// section 18.2), and may be busy.
	leastAnswer = 50 * time.Millisecond
	mostAnswer  = 2 * time.Second
	// probeWithin bounds the search for another path; a packet that got lost is
	// sent again after 200, 600 and 1,400 ms.
	probeWithin = 2 * time.Second
	// distrust is how long a path is not gone back to that has fallen silent.
	distrust = 10 * time.Second
	// doubtEvery is after how many kicks in vain a watch is told, and told again.
	doubtEvery = 3
	// maxProbes is how many paths are probed at once: quic-go has three ids of
	// the hub's to probe by, and stops at the first path that it has none for.
	maxProbes = 3
	// maxSignals is how many signals wait for a watch that is busy with a frame;
	// of more the last are lost.
	maxSignals = 16
)

// carrier is a connection that can take another path. *quicCarrier is one.
type carrier interface {
	// received counts the packets that have come by a path.
	received(Path) uint64
	// beneath is the path that the connection is on for QUIC; another one than
	// where it really is while that is reached by a detour.
	beneath() Path
	// answerWithin is how long the answer to a packet takes, as a rule.
	answerWithin() time.Duration
	// kick sends a packet that has to be answered, and that makes the hub
	// follow to the path it comes from.
	kick() error
	// probe finds out whether a path leads to the hub.
	probe(context.Context, Path) (way, error)
	// detour sends by a path what is meant for the one the connection is on,
	// from the first probe of that path until it takes a way; the zero Path ends
	// that.
	detour(by Path)
}

// way is a path that leads to the hub. One of take and close is called.
type way interface {
	take() error
	close()
}

// signal is what a roamer has to tell.
type signal struct {
	kind     signalKind
	from, to Path
}

type signalKind int

const (
	// moved: the connection goes on over another path.
	moved signalKind = iota
	// doubted: nothing comes, and no other path is known to lead to the hub.
	doubted
)

// roamer keeps a connection on a path that leads to the hub. It kicks at the
// feed's pace, which repairs a NAT that has given the connection another address
// and tells a restarted hub that it is not known; it kicks at once when a lively
// feed pauses; and when a kick is not answered, or the path has gone, or the
// system prefers another one, it probes and takes that.
type roamer struct {
	network Network
	hub     netip.Addr
	carrier carrier
	beat    time.Duration
	// began is the path that the connection was opened on, current where it is.
	began, current Path
	// frames receives when a frame has come, changes when the network changes,
	// asks when somebody wants to know whether the path leads to the hub.
	frames, changes, asks chan struct{}
	signals               chan signal

	rhythm   rhythm
	kicked   time.Time
	doubt    *doubt
	search   *search
	movedAt  time.Time
	followed int                // of followUps
	silent   map[Path]time.Time // since when
	probing  sync.WaitGroup
	lastLook time.Time
}

// doubt is a kick that has not been answered yet.
type doubt struct {
	received uint64
	kicks    int
	// pause says that it began with one of a lively feed.
	pause bool
}

func newRoamer(n Network, hub netip.Addr, c carrier, on Path, pace Pace) *roamer {
	r := &roamer{
		network: n, hub: hub, carrier: c, began: on, current: on, beat: beatIdle,
		frames: make(chan struct{}, 1), changes: make(chan struct{}, 1), asks: make(chan struct{}, 1),
		signals: make(chan signal, maxSignals), silent: map[Path]time.Time{}, followed: len(followUps),
	}
	if pace == Attentive {
		r.beat = beatAttentive
	}
	return r
}

// heard is to be called with every frame.
func (r *roamer) heard() { poke(r.frames) }

// stir has the roamer ask whether its path still leads to the hub.
func (r *roamer) stir() { poke(r.asks) }

// poke tells c's reader that there is something; once is enough.
func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run keeps the connection until ctx ends or it cannot send any more.
func (r *roamer) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer r.probing.Wait()
	defer cancel()
	r.probing.Go(func() { r.network.Watch(ctx, func() { poke(r.changes) }) })
	r.kicked, r.lastLook = time.Now(), time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var err error
	for err == nil {
		timer.Reset(time.Until(r.due()))
		select {
		case <-ctx.Done():
			r.abandon()
			return
		case <-r.frames:
			r.rhythm.heard(time.Now())
			r.followed = len(followUps)
			r.hear()
		case <-r.changes:
			err = r.look(ctx)
		case <-r.asks:
			err = r.wonder()
		case f := <-findings(r.search):
			err = r.take(f)
		case <-timer.C:
			err = r.check(ctx)
		}
	}
	r.abandon()
}

func findings(s *search) <-chan finding {
	if s == nil {
		return nil
	}
	return s.found
}

// due is when to check next.
func (r *roamer) due() time.Time {
	if r.followed < len(followUps) {
		return r.movedAt.Add(followUps[r.followed])
	}
	if r.doubt != nil {
		return r.kicked.Add(r.patience())
	}
	due := r.kicked.Add(r.beat)
	if d := r.rhythm.due(r.beat); !d.IsZero() && d.Before(due) {
		due = d
	}
	return due
}

// patience is how long the last kick's answer may take.
func (r *roamer) patience() time.Duration {
	most := min(r.beat/2, mostAnswer) // who looks on waits for a restarted hub
	least := min(max(r.carrier.answerWithin(), leastAnswer), most)
	return min(least<<min(r.doubt.kicks, 8), most)
}

// check is what there is to do when it is time.
func (r *roamer) check(ctx context.Context) error {
	switch {
	case r.followed < len(followUps):
		r.followed++
		return r.kick()
	case r.doubt == nil:
		if time.Since(r.lastLook) >= distrust {
			return r.look(ctx) // a path that was silent may be back
		}
		pause := time.Since(r.kicked) < r.beat
		err := r.ask()
		r.doubt.pause = pause
		return err
	case r.doubt.received != r.carrier.received(r.current) && !r.gone():
		if r.doubt.pause {
			r.rhythm.broken()
		}
		r.hear()
		return nil
	}
	r.doubt.kicks++
	if r.search == nil {
		r.seek(ctx, r.others(), search{})
	}
	searching := r.search != nil && !r.search.planned
	if r.search == nil && r.doubt.kicks == 1 || r.doubt.kicks%doubtEvery == 0 {
		r.tell(signal{kind: doubted, from: r.current})
	}
	if searching {
		r.kicked = time.Now()
		return nil // a probe has to be the first that comes by a path
	}
	return r.kick()
}

// ask kicks, and waits for the answer.
func (r *roamer) ask() error {
	r.doubt = &doubt{received: r.carrier.received(r.current)}
	return r.kick()
}

// wonder asks, unless that has been done and is to be answered in time.
func (r *roamer) wonder() error {
	if r.doubt != nil {
		return nil
	}
	return r.ask()
}

func (r *roamer) kick() error {
	r.kicked = time.Now()
	return r.carrier.kick()
}

// gone reports whether the current path is no path any more.
func (r *roamer) gone() bool { return r.search != nil && r.search.gone }

// hear is what there is to do when something has come: unless it may have come
// by the detour, the current path leads to the hub.
func (r *roamer) hear() {
	switch s := r.search; {
	case s == nil || s.planned:
		r.doubt = nil
	case !s.gone && s.received != r.carrier.received(r.current):
		r.doubt = nil
		r.abandon()
		r.carrier.detour(Path{})
	}
}

// look compares the path with those there are.
func (r *roamer) look(ctx context.Context) error {
	r.lastLook = time.Now()
	paths := r.paths()
	if len(paths) == 0 || r.current == (Path{}) {
		return r.ask()
	}
	if s := r.search; s != nil && s.planned && s.by != paths[0] {
		r.abandon() // it is not preferred any more
	}
	maps.DeleteFunc(r.silent, func(p Path, _ time.Time) bool { return !slices.Contains(paths, p) })
	if !slices.Contains(paths, r.current) {
		r.abandon()
		r.doubt = &doubt{received: r.carrier.received(r.current)}
		r.kicked = time.Now()
		r.seek(ctx, paths, search{gone: true})
		return nil
	}
	if best := paths[0]; best != r.current && best != r.carrier.beneath() && r.search == nil && !r.distrusts(best) {
		r.seek(ctx, paths[:1], search{planned: true})
		return nil
	}
	return r.wonder()
}

// paths lists the ways to the hub; none where the network cannot tell.
func (r *roamer) paths() []Path {
	paths, err := r.network.Paths(r.hub)
	if err != nil {
		return nil
	}
	return paths
}

func (r *roamer) others() []Path {
	return slices.DeleteFunc(slices.Clone(r.paths()), func(p Path) bool { return p == r.current })
}

func (r *roamer) distrusts(p Path) bool {
	since, was := r.silent[p]
	return was && time.Since(since) < distrust
}
