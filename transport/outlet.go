package transport

import "everything.local/transport/poll"

// ErrStalled is a client that takes no bytes.
var ErrStalled = poll.ErrStalled

// Sink takes a session's bytes on their way to one client, for a goroutine that
// serves that client alone.
type Sink interface {
	// Send hands b over in order, waiting while the client is slow. It returns
	// an error that wraps ErrStalled once the client has taken nothing for the
	// stall timeout, and any other when the client is gone. It keeps no
	// reference to b. After an error the sink is of no more use.
	Send(b []byte) error
}

// Outlet takes a session's bytes on their way to one client, for a worker that
// serves thousands and waits for none. Its methods are called by that worker
// alone. The outlet calls Session.Wake when it is clear again, and
// Session.Leave when the client has gone.
type Outlet interface {
	// Put takes all of b, whole frames of the feed, and keeps no reference to
	// it. It is called only while the outlet is clear. After an error, which is
	// as that of Sink.Send, only End is called.
	Put(b []byte) error
	// Clear reports whether what was put has gone on its way.
	Clear() bool
	// Look is called poll.Looks times in a stall timeout while the outlet is not
	// clear. It returns an error that wraps ErrStalled when nothing has gone for
	// as long, and any other when the client is gone.
	Look() error
	// End is the last call: the session is over. The outlet sends what is left,
	// if there is anybody to take it, and closes as its wire does.
	End(why Reason)
}
