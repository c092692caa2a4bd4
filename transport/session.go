package transport

import (
	"context"
	"errors"
	"time"

	"everything.local/event"
	"everything.local/hub"
)

// Sink takes a session's bytes on their way to one client.
type Sink interface {
	// Send hands b over in order, waiting while the client is slow. It returns
	// an error that wraps ErrStalled once the client has taken nothing for the
	// stall timeout, and any other when the client is gone. It keeps no
	// reference to b. After an error the sink is of no more use.
	Send(b []byte) error
}

// ErrStalled is a client that takes no bytes.
var ErrStalled = errors.New("transport: the client takes no bytes")

// Session is one open feed. Feed.Open makes it; Run must be called on it, once.
// All of it belongs to the goroutine in Run, except for notice and control.
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
	// notice tells of a drain, at most once.
	notice chan notice
	// control is what the client asks, where it can.
	control control
	// leave is when a draining hub ends the session; zero before its notice.
	leave time.Time
}

// notice is what one session is told of a drain.
type notice struct {
	leave time.Time
	to    []string
}

// Run sends the feed to sink until the client is gone, the session's token
// expires or the hub drains, and says which. Ctx ends when the client leaves.
func (s *Session) Run(ctx context.Context, sink Sink) (why Reason) {
	why = ClientGone // should the sink panic
	defer func() {
		s.sub.Close()
		s.feed.remove(s, why)
	}()
	return s.run(ctx, sink)
}

func (s *Session) run(ctx context.Context, sink Sink) Reason {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		b, end := s.next(time.Now())
		if len(b) > 0 {
			if err := sink.Send(b); err != nil {
				return lost(err)
			}
			s.wire.bytes.Add(uint64(len(b)))
		}
		if end != "" {
			return end
		}
		if len(b) > 0 {
			continue
		}
		timer.Reset(time.Until(s.due()))
		select {
		case <-ctx.Done():
			return ClientGone
		case <-s.sub.Wake():
		case <-timer.C:
		case n := <-s.notice:
			s.notice <- n // for next, which sends it
		case <-s.control.poke:
			s.control.again() // for next, too
		}
	}
}

// next returns what is to be sent now, nothing if the session may wait until
// due or a wake-up, and why the session ends after that, if it does. The bytes
// are valid until the next call.
func (s *Session) next(now time.Time) ([]byte, Reason) {
	if !s.expires.IsZero() && !now.Before(s.expires) {
		return s.sub.Frame(event.Frame{Error: &event.Fault{
			Code:   event.TokenExpired,
			Detail: "the token of this feed has expired; sign in again and resume from the last cursor",
		}}), Expired
	}
	if !s.leave.IsZero() && !now.Before(s.leave) {
		return nil, Drained
	}
	select {
	case n := <-s.notice:
		s.leave = n.leave
		within := max(n.leave.Sub(now).Milliseconds(), 0)
		return s.sub.Frame(event.Frame{Goaway: &event.Goaway{WithinMS: within, To: n.to}}), ""
	case <-s.control.poke:
		if last := s.obey(now); last != nil {
			return last, Refused
		}
	default:
	}
	if !now.Before(s.nextPing) {
		s.nextPing = now.Add(s.every)
		return s.sub.Ping(now), ""
	}
	return s.sub.Next(), ""
}

// obey does what the client asked. If the feed ends by it, it returns the last
// frame.
func (s *Session) obey(now time.Time) []byte {
	pace, fault := s.control.asked()
	if fault != nil {
		return s.sub.Frame(event.Frame{Error: fault})
	}
	if every := s.feed.interval(pace); pace != "" && every != s.every {
		s.every = every
		s.nextPing = now.Add(every)
	}
	return nil
}

// due is when next has something to say even if nothing wakes the session.
func (s *Session) due() time.Time {
	t := s.nextPing
	for _, other := range []time.Time{s.expires, s.leave} {
		if !other.IsZero() && other.Before(t) {
			t = other
		}
	}
	return t
}

// lost says why a sink failed.
func lost(err error) Reason {
	if errors.Is(err, ErrStalled) {
		return Stalled
	}
	return ClientGone
}
