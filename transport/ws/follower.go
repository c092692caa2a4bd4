package ws

import (
	"errors"
	"sync"
	"time"

	"everything.local/transport"
	"everything.local/transport/poll"
)

// follower is a client that follows a feed, or is about to: the user of its
// connection, and the transport.Outlet of its session.
type follower struct {
	conn

	feed *transport.Feed
	// asking is a client whose first message has yet to come; nil after that. It
	// belongs to who calls Receive.
	asking *asking

	mu      sync.Mutex
	session *transport.Session // nil before it asked
	// heard is how the client has ended the session; nil if it has not.
	heard error
}

var _ transport.Outlet = (*follower)(nil)

// errRefused is a session that a message of the client's has ended.
var errRefused = errors.New("ws: the session takes no more messages")

// message implements user.
func (f *follower) message(b []byte) bool {
	if a := f.asking; a != nil {
		f.asking = nil
		return a.settle() && f.subscribe(a, b)
	}
	if f.session.Take(b) {
		return true
	}
	f.noteEnd(errRefused)
	f.hurry()
	return false
}

// subscribe asks for what the first message does.
func (f *follower) subscribe(a *asking, line []byte) bool {
	s, err := f.feed.Subscribe(a.secure, a.who, line, Wire{})
	if err != nil {
		f.refuse(err, ending{code: policyViolation})
		return false
	}
	f.mu.Lock()
	f.session = s
	f.mu.Unlock()
	f.feed.Serve(s, f, transport.TCP)
	return true
}

// refuse tells the client why it gets no feed.
func (f *follower) refuse(err error, e ending) {
	_ = f.Put(f.feed.Refusal(Wire{}, err)) // a line that is lost says so
	f.part(e)
}

// noteEnd keeps how the client has ended the session, and returns that, nil if
// there is none.
func (f *follower) noteEnd(err error) *transport.Session {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.heard == nil {
		f.heard = err
	}
	return f.session
}

// ended implements user.
func (f *follower) ended(err error) {
	v, violates := errors.AsType[*violation](err)
	if a := f.asking; a != nil {
		f.asking = nil
		switch {
		case !a.settle(): // the client is being told
		case violates:
			f.refuse(v.told(), endingFor(v))
		default:
			f.part(endingFor(err))
		}
		return
	}
	switch s := f.noteEnd(err); {
	case s == nil: // it was refused
	case violates:
		s.Fail(v.told())
		f.hurry()
	case errors.Is(err, transport.ErrStalled):
		s.Leave(transport.Stalled)
	default:
		s.Leave(transport.ClientGone)
	}
}

// hurry bounds how long the client may take for the rest of the feed, when it
// has ended it by what it said.
func (f *follower) hurry() {
	time.AfterFunc(poll.LastWords, func() { f.session.Leave(transport.Stalled) })
}

// sent implements user.
func (f *follower) sent() {
	f.mu.Lock()
	s := f.session
	f.mu.Unlock()
	if s != nil {
		s.Wake()
	}
}

// End implements transport.Outlet.
func (f *follower) End(why transport.Reason) {
	f.mu.Lock()
	heard := f.heard
	f.mu.Unlock()
	f.part(parting(why, heard))
}
