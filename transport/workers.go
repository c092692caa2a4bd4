package transport

import (
	"context"
	"runtime"
	"sync"
)

// Network is what an outlet's bytes go by, which says at what pace they do.
type Network int

// The networks.
const (
	TCP Network = iota
	QUIC
)

// workers serve the sessions that have outlets, one for each core and network.
type workers struct{ all [QUIC + 1][]*worker }

func newWorkers(c FeedConfig, counters *passCounters) *workers {
	w := new(workers)
	for network := range w.all {
		for range runtime.GOMAXPROCS(0) {
			w.all[network] = append(w.all[network], &worker{
				paced: Network(network) == QUIC, stall: c.StallTimeout,
				bell: make(chan struct{}, 1), counters: counters,
			})
		}
	}
	return w
}

// run serves until ctx ends, and then ends what sessions are left.
func (w *workers) run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, network := range w.all {
		for _, worker := range network {
			wg.Go(func() { worker.run(ctx) })
		}
	}
	wg.Wait()
}

// least returns the worker with the fewest sessions.
func (w *workers) least(on Network) *worker {
	all := w.all[on]
	best := all[0]
	for _, other := range all[1:] {
		if other.sessions.Load() < best.sessions.Load() {
			best = other
		}
	}
	return best
}

// end ends what sessions are left when the worker does, and those that come
// after that.
func (w *worker) end() {
	w.mu.Lock()
	w.ended = true
	batch := w.woken
	w.woken = nil
	w.mu.Unlock()
	for s := range w.left(batch) {
		if !s.place.over {
			w.finish(s, ClientGone)
		}
	}
}

// left are all sessions of a worker: those that were woken, and those that wait
// for their time, of which every other is one.
func (w *worker) left(batch []*Session) map[*Session]struct{} {
	all := make(map[*Session]struct{})
	for _, s := range batch {
		all[s] = struct{}{}
	}
	for _, s := range w.dues.heap {
		all[s] = struct{}{}
	}
	return all
}

// Serve has a worker serve s, on out, until the client is gone, the session's
// token expires or the hub drains; then out is told. It returns at once. It is
// for feeds that a Server serves, whose Run has the workers run.
func (f *Feed) Serve(s *Session, out Outlet, on Network) {
	s.place.outlet = out
	if w := f.workers.least(on); !w.adopt(s) {
		w.finish(s, ClientGone)
	}
}
