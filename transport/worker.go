package transport

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"everything.local/transport/poll"
)

const (
	// piecesAtOnce is how many chunks of 16 KiB a session is sent before others
	// have their turn: a snapshot does not keep a thousand waiting.
	piecesAtOnce = 4
	// yieldAfter is how many sessions are served before others that run on this
	// core have their turn: the log's follower, handshakes, acknowledgements.
	yieldAfter = 64

	// A delivery on QUIC costs a packet and its acknowledgement, some 20 µs of a
	// core. Passes that begin sooner than twice that for each session of the one
	// before send more packets and nothing sooner. What comes after quiet goes at
	// once, and what is for few is not held up by many that wait.
	paceEach = 40 * time.Microsecond
	// paceMost keeps the pace well below what people notice.
	paceMost = 40 * time.Millisecond
)

// worker serves sessions, thousands of them, and waits for none.
type worker struct {
	paced bool
	stall time.Duration
	// sessions is how many it has.
	sessions atomic.Int64
	counters *passCounters

	mu sync.Mutex
	// woken are the sessions to be served, each once. There are never more than
	// sessions, which FeedConfig.MaxFeeds bounds.
	woken []*Session
	ended bool
	bell  chan struct{}

	// What follows is the worker's own.
	batch []*Session // woken, until the pass before is over
	dues  dues
	began time.Time // the last pass
	put   int       // how many batches were sent in it, one to most sessions
}

// place is a session's in its worker.
type place struct {
	outlet Outlet
	// left is set once the client has.
	left atomic.Pointer[Reason]
	over bool
	// at is when the session is to be served at the latest, and slot where it is
	// in dues, 0 for nowhere.
	at   time.Time
	slot int
	// look is when to look again at an outlet that is not clear; zero while it
	// is.
	look time.Time
}

// Leave says that the client has gone, or is to be left, and why: ClientGone or
// Stalled. It may be called at any time by anybody.
func (s *Session) Leave(why Reason) {
	s.place.left.CompareAndSwap(nil, &why)
	s.Wake()
}

// adopt takes a session on. It reports false if the worker has ended.
func (w *worker) adopt(s *Session) bool {
	s.server = w
	w.sessions.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return false
	}
	w.enqueue(s)
	return true
}

// serveSoon implements server.
func (w *worker) serveSoon(s *Session) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.enqueue(s)
}

func (w *worker) enqueue(s *Session) {
	w.woken = append(w.woken, s)
	if len(w.woken) == 1 {
		select {
		case w.bell <- struct{}{}:
		default:
		}
	}
}

// run serves until ctx ends, and then ends what sessions are left.
func (w *worker) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			w.end()
			return
		case <-w.bell:
		case <-timer.C:
		}
		w.pause(ctx)
		w.pass()
		if at, ok := w.dues.first(); ok {
			timer.Reset(time.Until(at))
		}
	}
}

// pause keeps the pace.
func (w *worker) pause(ctx context.Context) {
	if !w.paced {
		return
	}
	between := min(time.Duration(w.put)*paceEach, paceMost)
	if rest := between - time.Since(w.began); rest > 0 {
		select {
		case <-time.After(rest):
		case <-ctx.Done():
		}
	}
	w.began = time.Now()
}

// pass serves once whoever was woken or is due.
func (w *worker) pass() {
	start := time.Now()
	for s := w.dues.pop(start); s != nil; s = w.dues.pop(start) {
		s.Wake()
	}
	batch := w.take()
	w.put = 0
	now := start
	for i, s := range batch {
		w.serve(s, now)
		batch[i] = nil // the slice is used again
		if i%yieldAfter == yieldAfter-1 {
			runtime.Gosched()
			now = time.Now()
		}
	}
	w.counters.passed(len(batch), time.Since(start))
}

// take returns who is to be served, and makes room for others.
func (w *worker) take() []*Session {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.batch, w.woken = w.woken, w.batch[:0]
	return w.batch
}

// serve sends a session what there is, as far as its outlet takes it.
func (w *worker) serve(s *Session, now time.Time) {
	s.woken.Store(false) // before looking, so that what comes meanwhile counts
	if s.place.over {
		return
	}
	if why := s.place.left.Load(); why != nil {
		w.finish(s, *why)
		return
	}
	for range piecesAtOnce {
		if !s.place.outlet.Clear() {
			if !w.look(s, now) {
				return
			}
			continue
		}
		s.place.look = time.Time{}
		b, more, end := s.next(now)
		if len(b) > 0 {
			if err := s.place.outlet.Put(b); err != nil {
				w.finish(s, lost(err))
				return
			}
			s.wrote(len(b))
			w.put++
		}
		if end != "" {
			w.finish(s, end)
			return
		}
		if !more {
			w.dues.set(s, s.due())
			return
		}
	}
	s.Wake() // there may be more
}

// look looks at an outlet that is not clear, if it is time to. It reports
// whether that has changed.
func (w *worker) look(s *Session, now time.Time) bool {
	p := &s.place
	if !p.look.IsZero() && !now.Before(p.look) {
		if err := p.outlet.Look(); err != nil {
			w.finish(s, lost(err))
			return false
		}
		if p.outlet.Clear() {
			return true
		}
		p.look = time.Time{}
	}
	if p.look.IsZero() {
		p.look = now.Add(w.stall / poll.Looks)
	}
	w.dues.set(s, p.look)
	return false
}

// finish ends a session.
func (w *worker) finish(s *Session, why Reason) {
	s.place.over = true
	w.dues.remove(s)
	w.sessions.Add(-1)
	s.close(why)
	s.place.outlet.End(why)
}
