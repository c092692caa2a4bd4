package transport

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"
)

// The phases of a drain, in this order, and what each may take. A service
// manager must wait for DrainBudget before it kills.
const (
	// DefaultDrainWindow: every feed is told goaway at once and leaves within
	// its own slot of the window, so that the clients do not all knock on the
	// next hub's door in the same moment. Requests are still served; new feeds
	// are refused.
	DefaultDrainWindow = 4 * time.Second
	// goawayGrace is for the last frames of the last slot.
	goawayGrace = time.Second
	// finishBudget: the listeners are closed and requests finish. The longest
	// is a command that waits for the log, which is safe to cut: its caller
	// tries again under the same key.
	finishBudget = 3 * time.Second
	// closeBudget: what is left, stalled clients above all, is cut off.
	closeBudget = time.Second

	// NoDrainWindow makes every feed leave at once.
	NoDrainWindow = time.Nanosecond
)

// DrainBudget is the most that Run takes to return after its context ended.
func (s *Server) DrainBudget() time.Duration {
	return s.cfg.DrainWindow + goawayGrace + finishBudget + closeBudget
}

// drain goes through the phases. Not getting through one in time is no error:
// the next one is harsher.
func (s *Server) drain(ctx context.Context) {
	for _, phase := range []struct {
		name   string
		budget time.Duration
		run    func(context.Context) error
	}{
		{"goaway", s.cfg.DrainWindow + goawayGrace, s.sendAway},
		{"finish", finishBudget, s.finish},
		{"close", closeBudget, s.close},
	} {
		start := time.Now()
		ctx, cancel := context.WithTimeout(ctx, phase.budget)
		err := phase.run(ctx)
		cancel()
		s.cfg.Logger.Info("draining", "phase", phase.name, "took", time.Since(start), "in_time", err == nil)
	}
}

func (s *Server) sendAway(ctx context.Context) error {
	if s.cfg.Feed == nil {
		return nil
	}
	var to []string
	if s.cfg.GoawayTo != nil {
		to = s.cfg.GoawayTo()
	}
	return s.cfg.Feed.Drain(ctx, s.cfg.DrainWindow, to)
}

func (s *Server) finish(ctx context.Context) error {
	var err error
	if s.quic != nil {
		err = s.quic.refuseNew()
	}
	err = errors.Join(err, s.each(func(h *http.Server) error { return h.Shutdown(ctx) }))
	// Shutdown knows of nothing on QUIC, nor of connections that were taken
	// over.
	err = errors.Join(err, s.active.wait(ctx))
	if s.carrier != nil {
		err = errors.Join(err, s.carrier.Idle(ctx))
	}
	if s.quic != nil {
		s.quic.linger(ctx)
	}
	return err
}

func (s *Server) close(ctx context.Context) error {
	if s.cfg.Feed != nil {
		s.cfg.Feed.Cut()
	}
	err := s.each((*http.Server).Close)
	if s.quic != nil {
		err = errors.Join(err, s.quic.close(ctx))
	}
	return errors.Join(err, s.active.wait(ctx))
}

// each calls fn with all servers at once.
func (s *Server) each(fn func(*http.Server) error) error {
	servers := []*http.Server{s.main}
	if s.board != nil {
		servers = append(servers, s.board)
	}
	errs := make([]error, len(servers))
	var wg sync.WaitGroup
	for i, h := range servers {
		wg.Go(func() { errs[i] = fn(h) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Drain ends all feeds: each is told to go away, to one of the hubs in to, and
// ends by its own slot of the window, the last one at the window's end. New
// feeds are refused from now on, for ever. It returns when the last has ended,
// or with ctx's error; feeds of stalled clients end with their connections.
func (f *Feed) Drain(ctx context.Context, window time.Duration, to []string) error {
	f.mu.Lock()
	if !f.drain.over() {
		f.drain.begin()
		if len(f.sessions) == 0 {
			close(f.empty)
		}
		f.sendAway(window, slices.Clip(append([]string{}, to...))) // [] and not null on the wire
	}
	f.mu.Unlock()
	select {
	case <-f.empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sendAway hands out the slots. The caller holds f.mu.
func (f *Feed) sendAway(window time.Duration, to []string) {
	now := time.Now()
	i := 0
	for s := range f.sessions { // in no order, which is fair
		i++
		slot := window * time.Duration(i) / time.Duration(len(f.sessions))
		s.tell(func(w *word) { w.notice = &notice{leave: now.Add(slot), to: to} })
	}
}

// inflight counts the requests being served, so that the end of the last one
// can be awaited.
type inflight struct {
	mu      sync.Mutex
	n       int
	waiting chan struct{} // closed when n gets to 0; nil before wait
}

func (f *inflight) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.n++
		f.mu.Unlock()
		defer stayOf(r).leave(f.leave)
		next.ServeHTTP(w, r)
	})
}

func (f *inflight) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n--
	if f.n == 0 && f.waiting != nil {
		close(f.waiting)
		f.waiting = nil
	}
}

// wait returns when no request is being served, or with ctx's error.
func (f *inflight) wait(ctx context.Context) error {
	f.mu.Lock()
	if f.n == 0 {
		f.mu.Unlock()
		return nil
	}
	f.waiting = make(chan struct{})
	idle := f.waiting
	f.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
