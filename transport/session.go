package transport

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"everything.local/event"
	"everything.local/hub"
)

// Session is one open feed. Feed.Open makes it; Run or Feed.Serve must be called
// for it, once. All of it belongs to who serves it, a goroutine in Run or a
// worker, except for what says otherwise.
type Session struct {
	feed *Feed
	wire *wireCounters
	// name is the wire's, by the caller's, for FeedConfig.Ended.
	name, by string

	sub   *hub.Subscription
	every time.Duration
	// nextPing keeps its pace whatever else is sent: a ping is also the clock
	// that pages show ages by, and the one frame whose absence proves a dead
	// line.
	nextPing time.Time
	// expires is when the caller's token does; zero for never.
	expires time.Time
	// leave is when a draining hub ends the session; zero before its notice.
	leave time.Time
	// on is the QUIC connection that carries it and authority the name by which
	// the client knows the hub there; nil and empty on TCP. Feed.mu guards them.
	on        *usage
	authority string
	// control is what the client asks, where it can, and what the hub has to
	// tell it.
	control control

	// woken says that it is to be served and that its server knows: it is set
	// from the beginning, so that nobody looks for a server before there is one.
	woken  atomic.Bool
	server server
	place  place // in its worker
}

// server serves sessions that were woken.
type server interface{ serveSoon(*Session) }

// notice is what one session is told that is to leave, by when at the latest; the
// zero Time for one that may stay.
type notice struct {
	leave time.Time
	to    []string
}

// Wake has the session served soon, for there may be something to send. It may
// be called at any time by anybody, and does not wait.
func (s *Session) Wake() {
	if !s.woken.Load() && s.woken.CompareAndSwap(false, true) {
		s.server.serveSoon(s)
	}
}

// bell is the server of a session that has a goroutine to itself.
type bell chan struct{}

func (b bell) serveSoon(*Session) {
	select {
	case b <- struct{}{}:
	default:
	}
}

// Run sends the feed to sink until the client is gone, the session's token
// expires or the hub drains, and says which. Ctx ends when the client leaves.
func (s *Session) Run(ctx context.Context, sink Sink) (why Reason) {
	why = ClientGone // should the sink panic
	defer func() { s.close(why) }()
	return s.run(ctx, sink)
}

// close ends the session for the hub and for who counts.
func (s *Session) close(why Reason) {
	s.sub.Close()
	s.feed.remove(s, why)
}

func (s *Session) run(ctx context.Context, sink Sink) Reason {
	woken := make(bell, 1)
	s.server = woken
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		s.woken.Store(false) // before looking, so that what comes meanwhile counts
		if why := s.place.left.Load(); why != nil {
			return *why
		}
		b, more, end := s.next(time.Now())
		if len(b) > 0 {
			if err := sink.Send(b); err != nil {
				return lost(err)
			}
			s.wrote(len(b))
		}
		if end != "" {
			return end
		}
		if more {
			continue
		}
		timer.Reset(time.Until(s.due()))
		select {
		case <-ctx.Done():
			return ClientGone
		case <-woken:
		case <-timer.C:
		}
	}
}

// next returns what is to be sent now; whether there is more, for else the session
// may wait until due or a wake-up; and why the session ends after that, if it
// does. The bytes are valid until the next call.
func (s *Session) next(now time.Time) (b []byte, more bool, end Reason) {
	if !s.expires.IsZero() && !now.Before(s.expires) {
		return s.sub.Frame(event.Frame{Error: &event.Fault{
			Code:   event.TokenExpired,
			Detail: "the token of this feed has expired; sign in again and resume from the last cursor",
		}}), false, Expired
	}
	if !s.leave.IsZero() && !now.Before(s.leave) {
		return nil, false, Drained
	}
	if s.control.news.Load() {
		if b, end := s.obey(now); len(b) > 0 {
			return b, true, end
		}
	}
	if !now.Before(s.nextPing) {
		s.nextPing = now.Add(s.every)
		return s.sub.Ping(now), true, ""
	}
	b = s.sub.Next()
	return b, len(b) > 0 && !s.sub.Drained(), ""
}

// obey does what the session was told, and returns what it says to that.
func (s *Session) obey(now time.Time) ([]byte, Reason) {
	told := s.control.hear()
	if told.fault != nil {
		return s.sub.Frame(event.Frame{Error: told.fault}), Refused
	}
	if every := s.feed.interval(told.pace); told.pace != "" && every != s.every {
		s.every = every
		s.nextPing = now.Add(every)
	}
	if told.notice == nil {
		return nil, ""
	}
	within := comeAgainWithin
	if leave := told.notice.leave; !leave.IsZero() {
		s.leave = leave
		within = max(leave.Sub(now).Round(time.Millisecond), 0)
	}
	return s.sub.Frame(event.Frame{Goaway: &event.Goaway{WithinMS: within.Milliseconds(), To: told.notice.to}}), ""
}

// wrote is called when the n bytes that next returned are written.
func (s *Session) wrote(n int) {
	s.wire.sent(n, s.sub.Frames())
	s.sub.Release()
}

// due is when next has something to say even if nothing wakes the session.
func (s *Session) due() time.Time {
	t := s.nextPing
	for _, other := range [...]time.Time{s.expires, s.leave} {
		if !other.IsZero() && other.Before(t) {
			t = other
		}
	}
	return t
}

// lost says why bytes could not be sent.
func lost(err error) Reason {
	if errors.Is(err, ErrStalled) {
		return Stalled
	}
	return ClientGone
}
