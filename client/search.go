package client

import (
	"context"
	"time"
)

// search is one for another path.
type search struct {
	cancel context.CancelFunc
	found  chan finding
	open   int
	// planned says that the current path is not in doubt; gone that it is no path
	// any more.
	planned, gone bool
	// by is the first path that is probed. Unless it is planned everything goes
	// by it meanwhile. byReceived and received are what had come by it, and by
	// the current path, when the search began.
	by                   Path
	byReceived, received uint64
}

type finding struct {
	path Path
	way  way
}

// seek probes paths; nothing is begun without any.
func (r *roamer) seek(ctx context.Context, paths []Path, why search) {
	if len(paths) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probeWithin)
	s := &why
	paths = paths[:min(len(paths), maxProbes)]
	s.cancel, s.found, s.open, s.by = cancel, make(chan finding, len(paths)), len(paths), paths[0]
	s.received, s.byReceived = r.carrier.received(r.current), r.carrier.received(s.by)
	r.search = s
	if !s.planned {
		r.carrier.detour(s.by)
	}
	for _, p := range paths {
		r.probing.Go(func() {
			w, err := r.carrier.probe(ctx, p)
			if err != nil {
				w = nil
			}
			s.found <- finding{p, w}
		})
	}
}

// take takes the first path that leads to the hub.
func (r *roamer) take(f finding) error {
	s := r.search
	s.open--
	if f.way == nil {
		if s.open == 0 {
			r.abandon()
			return r.missed(s, f.path)
		}
		return nil
	}
	r.abandon()
	if err := f.way.take(); err != nil {
		r.carrier.detour(Path{})
		return r.ask()
	}
	return r.arrive(s, f.path)
}

// missed is what there is to do when no path has been found to lead to the hub.
func (r *roamer) missed(s *search, last Path) error {
	switch {
	case s.planned:
		r.silent[last] = time.Now()
	case s.byReceived != r.carrier.received(s.by):
		// The hub follows what comes by the detour, and then answers no probe of
		// that path any more.
		return r.arrive(s, s.by)
	default:
		r.carrier.detour(Path{})
		r.kicked = time.Now() // and asked again, and sought, when that is due
	}
	return nil
}

// arrive is what there is to do on another path.
func (r *roamer) arrive(s *search, at Path) error {
	from := r.current
	if !s.planned && !s.gone {
		r.silent[from] = time.Now()
	}
	delete(r.silent, at)
	r.current = at
	r.rhythm.broken()
	r.movedAt, r.followed = time.Now(), 0
	select {
	case <-r.frames: // of before
	default:
	}
	r.tell(signal{kind: moved, from: from, to: at})
	return r.ask() // the hub follows this packet
}

// abandon ends a search. What it still finds is let go.
func (r *roamer) abandon() {
	s := r.search
	if s == nil {
		return
	}
	r.search = nil
	s.cancel()
	r.probing.Go(func() {
		for range s.open {
			if f := <-s.found; f.way != nil {
				f.way.close()
			}
		}
	})
}

func (r *roamer) tell(s signal) {
	select {
	case r.signals <- s:
	default: // the watch has enough to do already
	}
}
