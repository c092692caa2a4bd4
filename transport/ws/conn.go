package ws

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"everything.local/transport"
	"everything.local/transport/poll"
)

const (
	// closeWait is how long the hub waits for the close frame that answers its
	// own.
	closeWait = time.Second
	// lateMost is how many bytes it takes when they do not count any more: what
	// was on its way already.
	lateMost = 1 << 20
	// pongsMost is how many bytes of pongs wait for a client that does not read:
	// as many as it may cause at once. Of those beyond, the newest is sent (RFC
	// 6455, section 5.5.3).
	pongsMost = controlsAtOnce * (2 + maxControl)

	// How many frames that are no messages a client may send: heartbeats of
	// libraries come every few seconds, and fragments are for messages longer
	// than any of the hub's. Messages are counted by the session.
	controlsPerSecond = 10
	controlsAtOnce    = 30
)

// user is who has a connection: it is told what the client says. Message and
// ended are called by the line's carrier.
type user interface {
	// message takes a text message, valid until it returns. It returns false when
	// no more of them count.
	message(b []byte) bool
	// ended is called once, when the client has said its last: with a *violation,
	// a *closedError, or why the line is lost. The user is to part then.
	ended(err error)
	// sent is called when all that was written has gone, if it had to wait.
	sent()
}

// conn is a WebSocket connection after its opening handshake: a poll.Handler
// that makes messages of bytes, and answers pings and close frames. Nothing in
// it waits.
type conn struct {
	*poll.Line
	user user

	// What follows belongs to who calls Receive. Over is set when the client has
	// said its last; late is how many bytes it has said in vain since.
	in       reader
	controls *rate.Limiter // nil before the first frame that is no message
	over     bool
	late     int

	mu sync.Mutex
	// pongs is how many bytes of them wait, and pong the newest of those that had
	// no room, nil for none.
	pongs int
	pong  []byte
	// parting says that the close frame is sent, after which nothing is, and
	// answered that the client has nothing more to say.
	parting, answered bool
	// timer cuts the line of a client that lets it wait.
	timer *time.Timer
}

// takeOver takes the connection of r from net/http, for use, and returns what
// the client has sent already.
func (c *conn) takeOver(w http.ResponseWriter, r *http.Request) (read []byte, err error) {
	c.in.limit = maxMessage
	c.Line, read, err = transport.TakeOver(w, r, c)
	return read, err
}

// Receive implements poll.Handler.
func (c *conn) Receive(b []byte) {
	for len(b) > 0 {
		if c.over || c.parts() {
			c.hearLate(b)
			return
		}
		var got received
		var err error
		if got, b, err = c.in.next(b); err == nil {
			err = c.obey(got)
		}
		if err != nil {
			c.over = true
			c.user.ended(err)
		}
	}
}

// obey does what the client has said, and returns what ends the connection.
func (c *conn) obey(got received) error {
	switch got.kind {
	case nothing:
		return nil
	case closing:
		return &closedError{got.code}
	case text:
		c.over = !c.user.message(got.payload)
		return nil
	default:
		return c.obeyControl(got)
	}
}

// obeyControl does it for what is no message.
func (c *conn) obeyControl(got received) error {
	if c.controls == nil {
		c.controls = rate.NewLimiter(controlsPerSecond, controlsAtOnce)
	}
	if !c.controls.Allow() {
		return violated(policyViolation, "more pings, pongs and fragments than a client needs")
	}
	if got.kind == ping {
		c.answer(got.payload)
	}
	return nil
}

// parts reports whether the close frame is sent.
func (c *conn) parts() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.parting
}

// answer sends the pong of a ping, or keeps it for when there is room.
func (c *conn) answer(payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	frame := appendFrame(nil, opPong, payload)
	switch {
	case c.parting:
	case c.Clear():
		_ = c.Put(frame) // a line that is lost says so
	case c.pongs+len(frame) <= pongsMost:
		c.pongs += len(frame)
		_ = c.Put(frame)
	default:
		c.pong = frame
	}
}

// Sent implements poll.Handler.
func (c *conn) Sent() {
	c.mu.Lock()
	c.pongs = 0
	if c.pong != nil && !c.parting {
		_ = c.Put(c.pong)
	}
	c.pong = nil
	if c.parting && c.Clear() {
		c.waitFor(closeWait)
	}
	c.mu.Unlock()
	c.user.sent()
}

// Gone implements poll.Handler.
func (c *conn) Gone(err error) {
	if !c.over {
		c.over = true
		c.user.ended(err)
	}
	c.mu.Lock()
	parting, answered := c.parting, errors.Is(err, io.EOF)
	c.answered = c.answered || answered
	c.mu.Unlock()
	if parting {
		c.conclude()
	}
}

// part ends the connection: with a closing handshake (RFC 6455, section 7.1),
// if the client takes part in it, else by cutting it. It is called once; what is
// written after it is lost.
func (c *conn) part(e ending) {
	if e.code == 0 {
		c.Cut()
		return
	}
	c.mu.Lock()
	c.parting = true
	err := c.Put(appendClose(nil, e.code, e.reason))
	c.answered = c.answered || e.answers
	done := c.answered || err != nil
	if !done {
		c.waitForClose()
	}
	c.mu.Unlock()
	if done {
		c.conclude()
	}
}

// waitForClose waits for the client to answer the close frame. To close first,
// with bytes of the client's unread, would have the kernel reset the connection
// and the client never see why; c.mu is held.
func (c *conn) waitForClose() {
	if c.Clear() {
		c.waitFor(closeWait)
	} else {
		c.waitFor(poll.LastWords) // to take it
	}
}

// waitFor cuts the line after d, whatever it was to wait for before; c.mu is
// held.
func (c *conn) waitFor(d time.Duration) {
	if c.timer != nil {
		c.timer.Stop()
	}
	c.timer = time.AfterFunc(d, c.Cut)
}

// conclude closes the line after a closing handshake, or what there was of it.
func (c *conn) conclude() {
	c.mu.Lock()
	answered := c.answered
	if c.timer != nil {
		c.timer.Stop()
	}
	c.mu.Unlock()
	if answered {
		c.Close() // tells TLS's end, too
		return
	}
	c.Cut()
}

// hearLate takes what the client says when nothing counts any more but that it
// answers the close frame or closes the connection. To leave it unread would
// block a client that does not read before it has written.
func (c *conn) hearLate(b []byte) {
	c.late += len(b)
	answered := false
	for len(b) > 0 && !answered {
		var got received
		var err error
		got, b, err = c.in.next(b)
		answered = got.kind == closing && err == nil
	}
	c.mu.Lock()
	c.answered = c.answered || answered
	done := c.parting && (c.answered || c.late > lateMost)
	c.mu.Unlock()
	if done {
		c.conclude()
	}
}
