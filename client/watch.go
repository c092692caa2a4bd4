package client

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"everything.local/event"
)

// Watch is a feed to keep alive.
type Watch struct {
	Request

	// Frame is given every frame that says something new. An error ends the
	// watch, which returns it.
	Frame func(Frame) error
	// Status, if not nil, is told of every change.
	Status func(Status)
}

// settled is how long a feed has to be live for its loss to be a new one, which
// is tried again at once.
const settled = 10 * time.Second

// Watch follows w until ctx ends, whose error it then returns. It resumes after
// every loss where it was: no change is missed, and none comes twice but those
// that a reset takes back first. Frame and Status are called by one goroutine.
//
// It returns an *Error for what no other try would change: token_expired when
// Config.Token has no other, forbidden, unknown_topic and the like; and the
// error of a certificate that is not trusted.
func (c *Client) Watch(ctx context.Context, w Watch) error {
	ps, err := event.ParsePositions(strings.Join(w.Topics, ","), w.After)
	if err != nil {
		return err
	}
	r := &watcher{client: c, Watch: w, positions: newPositions(ps)}
	return r.run(ctx)
}

type watcher struct {
	Watch

	client    *Client
	positions *positions
	// token is the one that the last connection was opened with.
	token     string
	status    Status
	backoff   backoff
	liveSince time.Time

	// current is the connection that counts. While the hub asks to leave, next
	// is where to; it takes over once it is live.
	current, next *link
	links         sync.WaitGroup
}

func (r *watcher) run(ctx context.Context) error {
	r.tell(Status{State: Connecting, URL: r.client.base})
	for {
		err := r.follow(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		wait, err := r.judge(ctx, err)
		if err != nil {
			return err
		}
		r.tell(r.status)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// follow follows one connection, and those that hubs pass it on to, until the
// last has ended.
func (r *watcher) follow(ctx context.Context) error {
	defer r.links.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var err error
	if r.token, err = r.client.token(ctx); err != nil {
		return err
	}
	r.current, r.next = r.dial(ctx, r.client.base), nil
	for {
		l, f, ok := r.receive()
		switch {
		case ok:
			if err := r.hear(ctx, l, f); err != nil {
				return &handlerError{err}
			}
		case l == r.next:
			r.next = nil // the old one is still there
		case r.next != nil:
			r.current, r.next = r.next, nil
		default:
			return l.err
		}
	}
}

func (r *watcher) receive() (l *link, f Frame, ok bool) {
	select {
	case f, ok = <-incoming(r.current):
		return r.current, f, ok
	case f, ok = <-incoming(r.next):
		return r.next, f, ok
	}
}

func (r *watcher) dial(ctx context.Context, base string) *link {
	ctx, cancel := context.WithCancelCause(ctx)
	l := &link{
		ask:    subscription{base: base, Topics: r.positions.String(), Pace: r.Pace, Token: r.token},
		frames: make(chan Frame), cancel: cancel,
	}
	r.links.Go(func() {
		defer cancel(nil)
		l.pump(ctx, r.client)
	})
	return l
}

// hear takes a frame. The errors are the handler's.
func (r *watcher) hear(ctx context.Context, l *link, f Frame) error {
	if l == r.next && (f.Live || f.Reset) {
		// After a reset the two do not speak of the same any more.
		r.current.cancel(nil)
		r.current, r.next = l, nil
	}
	fresh := r.positions.take(f.Frame)
	if l == r.current {
		r.note(l, f)
		if f.Goaway != nil && r.next == nil {
			r.leave(ctx, f.Goaway.To)
		}
	}
	if !fresh || l != r.current && f.Topic == "" {
		return nil
	}
	return r.Frame(f)
}

// note keeps the status.
func (r *watcher) note(l *link, f Frame) {
	s := Status{URL: l.ask.base, Wire: l.stream.Wire(), Protocol: l.stream.Protocol()}
	switch {
	case f.Live:
		s.State = Live
		if r.liveSince.IsZero() {
			r.liveSince = time.Now()
		}
	case f.Stale != nil:
		s.State, s.Stale = Stale, f.Stale
	default:
		return
	}
	// Stale is said again with every ping.
	if old := r.status; s.State != old.State || s.URL != old.URL || s.Wire != old.Wire {
		r.tell(s)
	}
}

// leave connects to where a hub that is about to stop points, the first of its
// list. If that is nowhere, this hub ends the feed and is tried again.
func (r *watcher) leave(ctx context.Context, to []string) {
	for _, base := range to {
		if base, err := address(base); err == nil {
			r.next = r.dial(ctx, base)
			return
		}
	}
}

// judge turns the end of a connection into a wait, or into the watch's own end.
func (r *watcher) judge(ctx context.Context, err error) (time.Duration, error) {
	if h, ok := errors.AsType[*handlerError](err); ok {
		return 0, h.err
	}
	refused, ok := errors.AsType[*Error](err)
	switch {
	case again(err):
	case !ok:
		return 0, err
	case refused.Code == event.BadCursor && len(r.positions.at) > 0:
		r.positions.forget()
	case refused.Code == event.TokenExpired && r.renewed(ctx):
	default:
		return 0, err
	}
	if !r.liveSince.IsZero() && time.Since(r.liveSince) > settled {
		r.backoff.reset()
	}
	r.liveSince = time.Time{}
	wait := r.backoff.next()
	if ok {
		wait = max(wait, refused.RetryAfter)
	}
	if errors.Is(err, io.EOF) {
		err = errLeft
	}
	r.status = Status{State: Waiting, URL: r.client.base, Err: err, Retry: wait}
	return wait, nil
}

// renewed reports whether the source has another token by now.
func (r *watcher) renewed(ctx context.Context) bool {
	token, err := r.client.token(ctx)
	return err == nil && token != r.token
}

// errLeft is how a feed ends whose hub stops.
var errLeft = errors.New("the hub has ended the feed")

// handlerError is what Watch.Frame returned.
type handlerError struct{ err error }

func (e *handlerError) Error() string { return e.err.Error() }

func (r *watcher) tell(s Status) {
	r.status = s
	if r.Status != nil {
		r.Status(s)
	}
}
