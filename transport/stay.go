package transport

import (
	"context"
	"net/http"
	"sync"
)

// stay is how long a request on QUIC counts: until its handler returns, or, if
// that leaves its stream to a worker, until the worker is done with it.
type stay struct {
	mu sync.Mutex
	// longer says that the request stays after its handler, over that the worker
	// is done.
	longer, over bool
	after        []func()
}

type stayKey struct{}

func withStay(r *http.Request) (*http.Request, *stay) {
	s := new(stay)
	return r.WithContext(context.WithValue(r.Context(), stayKey{}, s)), s
}

// stayOf returns the stay of r, nil for one that ends with its handler.
func stayOf(r *http.Request) *stay {
	s, _ := r.Context().Value(stayKey{}).(*stay)
	return s
}

// leave has end called when the request counts no longer. It is called when the
// handler has returned; a nil stay has ended then.
func (s *stay) leave(end func()) {
	if s == nil || !s.keep(end) {
		end()
	}
}

func (s *stay) keep(end func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.longer || s.over {
		return false
	}
	s.after = append(s.after, end)
	return true
}

// Stay says, before the handler of a request on QUIC returns, that what it has
// started on the connection goes on until end is called. Until then the
// connection is in use, and waited for.
func Stay(r *http.Request) (end func()) { return stayOf(r).prolong() }

// prolong says, before the handler returns, that the request stays until end is
// called.
func (s *stay) prolong() (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.longer = true
	return s.end
}

func (s *stay) end() {
	s.mu.Lock()
	s.over = true
	after := s.after
	s.after = nil
	s.mu.Unlock()
	for _, end := range after {
		end()
	}
}
