package client

import (
	"context"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"everything.local/event"
)

// Update is what a watch yields: a frame that says something new, or, where
// Status is not nil, how the watch is doing.
type Update struct {
	Frame

	Status *Status
}

// settled is how long a feed has to be live for its loss to be a new one, which
// is tried again at once.
const settled = 10 * time.Second

// backAgain is within what a watch comes back to a hub that has just said that
// it was restarted: it is there, and has all its clients to greet at once.
const backAgain = 100 * time.Millisecond

// Watch keeps a feed alive until ctx ends or its reader stops. It resumes after
// every loss where it was: no change is missed, and none comes twice but those
// that a reset takes back first. While a connection is in doubt it opens another
// one beside it; when the network changes it takes the connection along.
//
// The sequence ends with an error, the only one it yields: that of ctx; an
// *Error for what no other try would change, as token_expired when Config.Token
// has no other, forbidden, unknown_topic and the like; or that of a certificate
// that is not trusted. All of the watch has ended when the sequence has.
func (c *Client) Watch(ctx context.Context, ask Request) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		ps, err := event.ParsePositions(strings.Join(ask.Topics, ","), ask.After)
		if err == nil {
			r := &watcher{client: c, pace: ask.Pace, positions: newPositions(ps), yield: yield}
			r.backoff.most = mostWait
			if ask.Pace == Attentive {
				r.backoff.most = attentiveWait
			}
			err = r.run(ctx)
		}
		if !errors.Is(err, errEnough) {
			yield(Update{}, err)
		}
	}
}

// errEnough is of a reader that has stopped.
var errEnough = errors.New("client: the watch is not read any more")

type watcher struct {
	client    *Client
	pace      Pace
	positions *positions
	yield     func(Update, error) bool
	// enough says that yield has returned false and is not to be called again.
	enough bool
	// token is the one that the last connection was opened with.
	token     string
	status    Status
	backoff   backoff
	liveSince time.Time

	// current is the connection that counts. While the hub asks to leave, or
	// current is in doubt, next is where to; it takes over once it is live.
	current, next *link
	links         sync.WaitGroup
	opened        int
}

func (r *watcher) run(ctx context.Context) error {
	r.tell(Status{State: Connecting, URL: r.client.at()})
	for !r.enough {
		base := r.client.at()
		err := r.follow(ctx, base)
		switch {
		case r.enough:
			return errEnough
		case ctx.Err() != nil:
			return ctx.Err()
		}
		if r.current != nil {
			base = r.current.ask.base // a hub may have passed it on
		}
		r.client.lost(base)
		wait, err := r.judge(ctx, base, err)
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
	return errEnough
}

// follow follows one connection, and those that hubs pass it on to, until the
// last has ended.
func (r *watcher) follow(ctx context.Context, base string) error {
	defer r.links.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.current, r.next = nil, nil
	var err error
	if r.token, err = r.client.token(ctx); err != nil {
		return err
	}
	r.current = r.dial(ctx, r.ask(base))
	for !r.enough {
		n := receive(r.current, r.next)
		switch {
		case n.frame != nil:
			r.hear(ctx, n.of, *n.frame)
		case n.signal != nil:
			r.heed(ctx, *n.signal)
		case n.of == r.next:
			r.next = nil // the old one is still there
		case r.next != nil && r.next.rescue && restarted(n.of.err):
			// The hub is back, but next may wait for the answer to a packet of
			// before, and longer each time.
			r.next.cancel(nil)
			r.current, r.next = r.dial(ctx, r.ask(base)), nil
		case r.next != nil:
			r.current, r.next = r.next, nil
		default:
			return n.of.err
		}
	}
	return errEnough
}

// ask is what to ask a hub for: everything after where the watch is.
func (r *watcher) ask(base string) subscription {
	ask := subscription{base: base, within: openWithin, Topics: r.positions.String(), Pace: r.pace, Token: r.token}
	if len(r.client.hubs) > 1 {
		ask.within = openBefore
	}
	return ask
}

func (r *watcher) dial(ctx context.Context, ask subscription) *link {
	ctx, cancel := context.WithCancelCause(ctx)
	r.opened++
	l := &link{ask: ask, frames: make(chan Frame), cancel: cancel, number: r.opened}
	r.links.Go(func() {
		defer cancel(nil)
		l.pump(ctx, r.client)
	})
	return l
}

// hear takes a frame.
func (r *watcher) hear(ctx context.Context, l *link, f Frame) {
	l.heard()
	switch {
	case l == r.next && (f.Live || f.Reset):
		// After a reset the two do not speak of the same any more.
		r.current.cancel(nil)
		r.current, r.next = l, nil
	case l == r.current && r.next != nil && r.next.rescue:
		r.next.cancel(nil) // there was no need
		r.next = nil
	}
	fresh := r.positions.take(f.Frame)
	if l == r.current {
		r.note(l, f)
		if f.Goaway != nil && r.next == nil {
			r.leave(ctx, f.Goaway.To)
		}
	}
	if fresh && (l == r.current || f.Topic != "") {
		r.give(Update{Frame: f})
	}
}

// heed takes a signal of the current connection.
func (r *watcher) heed(ctx context.Context, s signal) {
	switch s.kind {
	case moved:
		st := r.status
		r.current.path = s.to
		st.Path, st.Moved = s.to, &s.from
		r.tell(st)
		r.status.Moved = nil
	case doubted:
		if r.next == nil {
			ask := r.ask(r.current.ask.base)
			ask.hurry = true
			r.next = r.dial(ctx, ask)
			r.next.rescue = true
		}
	}
}

// give gives its reader an update.
func (r *watcher) give(u Update) {
	if !r.enough && !r.yield(u, nil) {
		r.enough = true
	}
}

// note keeps the status.
func (r *watcher) note(l *link, f Frame) {
	s := Status{URL: l.ask.base, Wire: l.stream.Wire(), Protocol: l.stream.Protocol(), Path: l.path, Connection: l.number}
	switch {
	case f.Live:
		s.State = Live
		r.client.found(l.ask.base)
		if r.liveSince.IsZero() {
			r.liveSince = time.Now()
		}
	case f.Stale != nil:
		s.State, s.Stale = Stale, f.Stale
	default:
		return
	}
	// Stale is said again with every ping.
	if old := r.status; s.State != old.State || s.Connection != old.Connection {
		r.tell(s)
	}
}

// leave connects to where a hub that is about to stop points, the first of its
// list. If that is nowhere, this hub ends the feed and is tried again.
func (r *watcher) leave(ctx context.Context, to []string) {
	for _, base := range to {
		if base, err := address(base); err == nil {
			ask := r.ask(base)
			ask.path = r.current.path
			r.next = r.dial(ctx, ask)
			return
		}
	}
}

// judge turns the end of a connection into a wait, or into the watch's own end.
func (r *watcher) judge(ctx context.Context, base string, err error) (time.Duration, error) {
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
	if restarted(err) {
		r.backoff.reset()
		wait = rand.N(backAgain)
	}
	if ok {
		wait = max(wait, refused.RetryAfter)
	}
	if errors.Is(err, io.EOF) {
		err = errLeft
	}
	r.status = Status{State: Waiting, URL: base, Err: err, Retry: wait}
	return wait, nil
}

// renewed reports whether the source has another token by now.
func (r *watcher) renewed(ctx context.Context) bool {
	token, err := r.client.token(ctx)
	return err == nil && token != r.token
}

// errLeft is how a feed ends whose hub stops.
var errLeft = errors.New("the hub has ended the feed")

func (r *watcher) tell(s Status) {
	r.status = s
	r.give(Update{Status: &s})
}
