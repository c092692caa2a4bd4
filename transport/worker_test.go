package transport

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"everything.local/auth"
	"everything.local/event"
	"everything.local/event/memlog"
	"everything.local/hub"
	"everything.local/transport/poll"
)

// TestDues: sessions come out in the order of their times, whatever was set,
// set again and removed before.
func TestDues(t *testing.T) {
	var d dues
	start := time.Now()
	all := make([]*Session, 500)
	for i := range all {
		all[i] = new(Session)
		d.set(all[i], start.Add(rand.N(time.Hour)))
	}
	left := len(all)
	for i, s := range all {
		switch i % 3 {
		case 0:
			d.set(s, start.Add(rand.N(time.Hour)))
		case 1:
			d.remove(s)
			d.remove(s)
			left--
		}
	}
	last := start
	for s := d.pop(start.Add(time.Hour)); s != nil; s = d.pop(start.Add(time.Hour)) {
		if s.place.at.Before(last) {
			t.Errorf("one that is due after %v comes after %v", s.place.at.Sub(start), last.Sub(start))
		}
		last = s.place.at
		left--
	}
	if left != 0 {
		t.Errorf("%d are left", left)
	}
	d.set(all[0], last)
	if s := d.pop(last.Add(-1)); s != nil {
		t.Error("one came out before its time")
	}
}

// taker is an Outlet that counts what it takes while it is clear.
type taker struct {
	bytes, puts int
	clear       bool
	looks       int
	lookErr     error
	ended       []Reason
}

func (o *taker) Put(b []byte) error { o.bytes += len(b); o.puts++; return nil }
func (o *taker) Clear() bool        { return o.clear }
func (o *taker) Look() error        { o.looks++; return o.lookErr }
func (o *taker) End(why Reason)     { o.ended = append(o.ended, why) }

// tick is the event that a follower of a board sees.
const tick = `{"number":41,"status":"preparing"}`

// ticking is a fold whose events each change one of so many keys of the board.
type ticking uint64

func (keys ticking) Apply(e event.Event) ([]event.Entry, error) {
	return []event.Entry{{Topic: event.Board, Key: fmt.Sprint(e.Seq % uint64(keys)), Value: []byte(tick)}}, nil
}
func (ticking) Snapshot() ([]byte, error) { return nil, nil }
func (ticking) Restore([]byte) error      { return nil }
func (ticking) Epoch() string             { return "e1" }

// bench is a hub, its feed, and one worker that a test makes pass by hand.
type bench struct {
	log    *memlog.Log
	hub    *hub.Hub
	feed   *Feed
	worker *worker
	seq    uint64
}

func newBench(t testing.TB, keys ticking) *bench {
	t.Helper()
	b := &bench{log: memlog.New()}
	b.hub = hub.New(hub.Config{Log: b.log, Fold: keys})
	b.feed = NewFeed(FeedConfig{Hub: b.hub, StallTimeout: 8 * time.Second})
	b.worker = b.feed.workers.all[TCP][0]
	b.happen(t)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- b.hub.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	<-b.hub.Ready()
	return b
}

// happen appends an event and waits until the hub has it.
func (b *bench) happen(t testing.TB) {
	t.Helper()
	id := event.NewID()
	r, err := b.log.Append(context.Background(), event.Command{ID: id, Digest: "none"}, event.Write{
		Subject: event.Subject{Kind: event.KindSite, ID: id},
		Event:   event.Event{Type: "ticked", Version: 1, Time: time.Now(), By: "hub", Data: []byte(`{}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if b.seq++; b.seq > 1 {
		err = b.hub.Wait(context.Background(), r.Seq)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// lines is an encoding: a frame a line.
type linesEncoding struct{}

func (linesEncoding) Name() string { return "lines" }
func (linesEncoding) AppendFrame(dst, frame []byte, _ string) []byte {
	return append(append(dst, frame...), '\n')
}

// follow has the worker serve somebody who follows the board.
func (b *bench) follow(t testing.TB) (*Session, *taker) {
	t.Helper()
	s, err := b.feed.Open(auth.Identity{Role: auth.Barista}, Request{Positions: []event.Position{{Topic: event.Board}}}, linesEncoding{})
	if err != nil {
		t.Fatal(err)
	}
	o := &taker{clear: true}
	s.place.outlet = o
	if !b.worker.adopt(s) {
		t.Fatal("the worker has ended")
	}
	b.worker.pass()
	return s, o
}

// TestNoAllocationPerDelivery: a pass through a thousand sessions that each get
// a frame allocates nothing.
func TestNoAllocationPerDelivery(t *testing.T) {
	b := newBench(t, 8)
	var first *taker
	for range 1000 {
		if _, o := b.follow(t); first == nil {
			first = o
		}
	}
	b.happen(t)
	b.worker.pass()
	before := first.puts
	const runs = 20
	happened := testing.AllocsPerRun(runs, func() { b.happen(t) })
	got := testing.AllocsPerRun(runs, func() {
		b.happen(t)
		b.worker.pass()
	})
	if got := got - happened; got >= 10 { // none for each of 1,000, and some room for what else runs
		t.Errorf("%.0f allocations a pass", got)
	}
	if sent := first.puts - before; sent < runs {
		t.Errorf("a session was sent to %d times in %d passes: nothing was measured", sent, runs)
	}
}

// TestIdleHoldsNoBuffer: who has been sent all there is keeps none of what it was
// put together in.
func TestIdleHoldsNoBuffer(t *testing.T) {
	b := newBench(t, 8)
	b.follow(t)
	live := func() uint64 {
		runtime.GC()
		runtime.GC() // what lies in pools survives the first
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	const sessions, most = 500, 4 << 10
	before := live()
	for range sessions {
		b.follow(t)
	}
	if each := int64(live()-before) / sessions; each > most {
		t.Errorf("an idle session keeps %d bytes, want at most %d", each, most)
	}
	runtime.KeepAlive(b)
}

// TestWorkerWaitsForNobody: a session whose outlet is not clear is sent nothing,
// looked at in time, and given what there is once it is clear.
func TestWorkerWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 8)
		s, o := b.follow(t)
		o.clear = false
		before := *o
		b.happen(t)
		b.worker.pass()
		if o.puts != before.puts || o.looks != 0 {
			t.Errorf("%d puts and %d looks at an outlet that has just filled up", o.puts-before.puts, o.looks)
		}
		for range poll.Looks - 1 {
			time.Sleep(b.feed.cfg.StallTimeout / poll.Looks)
			b.worker.pass()
		}
		if o.looks != poll.Looks-1 || o.puts != before.puts {
			t.Errorf("%d looks, want %d", o.looks, poll.Looks-1)
		}
		o.clear = true
		s.Wake()
		b.worker.pass()
		if o.puts != before.puts+1 {
			t.Errorf("%d puts once it is clear, want 1", o.puts-before.puts)
		}
		o.clear, o.lookErr = false, fmt.Errorf("no: %w", ErrStalled)
		b.happen(t)
		b.worker.pass()
		time.Sleep(b.feed.cfg.StallTimeout / poll.Looks)
		b.worker.pass()
		if len(o.ended) != 1 || o.ended[0] != Stalled || b.worker.sessions.Load() != 0 {
			t.Errorf("ended %v, %d sessions left", o.ended, b.worker.sessions.Load())
		}
	})
}

// TestWorkerEnds: whoever is left is told, and so is who comes late.
func TestWorkerEnds(t *testing.T) {
	b := newBench(t, 8)
	_, o := b.follow(t)
	b.worker.end()
	if len(o.ended) != 1 || o.ended[0] != ClientGone {
		t.Errorf("ended %v", o.ended)
	}
	s, err := b.feed.Open(auth.Identity{Role: auth.Barista}, Request{Positions: []event.Position{{Topic: event.Board}}}, linesEncoding{})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range b.feed.workers.all[TCP] {
		w.end()
	}
	late := &taker{clear: true}
	b.feed.Serve(s, late, TCP)
	if len(late.ended) != 1 || b.hub.Stats().Subscriptions != 0 {
		t.Errorf("ended %v, %d subscriptions left", late.ended, b.hub.Stats().Subscriptions)
	}
}

// TestLargeSnapshotsTakeTurns: who has much to get does not keep others waiting,
// and gets it all.
func TestLargeSnapshotsTakeTurns(t *testing.T) {
	const entries = 3000
	b := newBench(t, 2*entries)
	for range entries {
		b.happen(t)
	}
	s, err := b.feed.Open(auth.Identity{Role: auth.Barista}, Request{Positions: []event.Position{{Topic: event.Board}}}, linesEncoding{})
	if err != nil {
		t.Fatal(err)
	}
	large := &taker{clear: true}
	s.place.outlet = large
	b.worker.adopt(s)
	passes := 0
	for last := -1; large.puts != last; passes++ {
		last = large.puts
		b.worker.pass()
		if got := large.puts - last; got > piecesAtOnce {
			t.Errorf("%d chunks in one pass, want at most %d", got, piecesAtOnce)
		}
	}
	if passes < 3 || large.bytes < entries*len(tick) {
		t.Errorf("%d bytes in %d passes, want %d at least, in several", large.bytes, passes, entries*len(tick))
	}
}

// TestPace: on QUIC a pass waits for as long as those cost who were sent
// something in the one before; those who only wait cost nothing.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, 8)
		b.worker.paced = true
		waits := func() time.Duration {
			start := time.Now()
			b.worker.pause(t.Context())
			b.worker.pass()
			return time.Since(start)
		}
		const crowd = 500
		for range crowd {
			b.follow(t)
		}
		for _, c := range []struct {
			what   string
			before func()
			want   time.Duration
		}{
			{"nothing", func() {}, 0},
			{"nobody", func() { b.happen(t) }, 0},
			{"a crowd", func() { b.worker.sessions.Add(10_000) }, crowd * paceEach},
			{"nobody, with thousands who wait", func() { b.happen(t) }, 0},
			{"a crowd, long ago", func() { time.Sleep(time.Second) }, 0},
		} {
			c.before()
			if got := waits(); got != c.want {
				t.Errorf("after %s it waits %v, want %v", c.what, got, c.want)
			}
		}
		b.worker.put = 1 << 20
		if got := waits(); got != paceMost {
			t.Errorf("at most %v, want %v", got, paceMost)
		}
		b.worker.sessions.Add(-10_000)
	})
}
