package poll

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// registry knows the lines of a carrier.
type registry struct {
	mu    sync.Mutex
	lines map[*Line]struct{}
	ended bool
	// idle is closed when there are no lines; nil while nobody waits for that.
	idle chan struct{}
}

// add takes a line on, unless none is taken any more.
func (r *registry) add(l *Line) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return errEnded
	}
	if r.lines == nil {
		r.lines = make(map[*Line]struct{})
	}
	r.lines[l] = struct{}{}
	return nil
}

// remove forgets a line, if that has not been done.
func (r *registry) remove(l *Line) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.lines, l)
	if r.idle != nil && len(r.lines) == 0 {
		close(r.idle)
		r.idle = nil
	}
}

// end has no more lines taken on, and abandons those there are.
func (r *registry) end() {
	r.mu.Lock()
	r.ended = true
	lines := slices.Collect(maps.Keys(r.lines))
	r.mu.Unlock()
	for _, l := range lines {
		l.abandon()
	}
}

// Open is how many lines there are.
func (r *registry) Open() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.lines)
}

// Idle returns when there are no lines, or with ctx's error. One caller at a
// time may wait.
func (r *registry) Idle(ctx context.Context) error {
	r.mu.Lock()
	if len(r.lines) == 0 {
		r.mu.Unlock()
		return nil
	}
	idle := make(chan struct{})
	r.idle = idle
	r.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
