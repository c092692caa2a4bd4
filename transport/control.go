package transport

import (
	"encoding/json"
	"sync"

	"golang.org/x/time/rate"

	"everything.local/event"
)

// How many lines a client may send after its first: a page that is shown and
// hidden sends a few a minute, a client that beats for itself one a second.
const (
	linesPerSecond = 10
	linesAtOnce    = 30
)

// control is what a client asks of its open session, on its way from the
// goroutine that reads the client's lines to the session's own.
type control struct {
	// poke receives when something was asked.
	poke chan struct{}

	mu    sync.Mutex
	lines *rate.Limiter // nil before the first line
	pace  Pace          // "" for no change
	fault *event.Fault  // set when a line ended the feed
}

// Take takes a further line of the client: a change of pace, or a heartbeat of
// its own, which needs no answer. What is neither, and a flood, ends the feed:
// Take returns false, and no line after it counts. It is called by one
// goroutine, while Run runs or after.
func (s *Session) Take(line []byte) bool {
	c := &s.control
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fault != nil {
		return false
	}
	if c.lines == nil {
		c.lines = rate.NewLimiter(linesPerSecond, linesAtOnce)
	}
	if !c.lines.Allow() {
		c.fault = fault(event.Errorf(event.TooManyRequests, "too many lines on this feed; a heartbeat a second is enough"))
	} else if err := s.read(line); err != nil {
		c.fault = fault(err)
	}
	if c.fault == nil && c.pace == "" {
		return true // a heartbeat
	}
	c.again()
	return c.fault == nil
}

// again makes the session look at what was asked.
func (c *control) again() {
	select {
	case c.poke <- struct{}{}:
	default: // it is about to
	}
}

// Fail ends the feed with err as its last frame, if it has no end yet: the
// client broke a rule of its wire.
func (s *Session) Fail(err error) {
	c := &s.control
	c.mu.Lock()
	if c.fault == nil {
		c.fault = fault(err)
	}
	c.mu.Unlock()
	c.again()
}

// read reads a line that follows the first; s.control.mu is held.
func (s *Session) read(line []byte) error {
	return members(line, func(name string, value json.RawMessage) error {
		switch name {
		case "ping":
			return nil
		case "pace":
			var asked string
			if err := text(value, name, &asked); err != nil {
				return err
			}
			p, err := parsePace(asked)
			s.control.pace = p
			return err
		}
		return event.Errorf(event.UnknownField, "a feed that is open takes pace and ping, not %s; open another one to follow other topics", event.Quote(name)).At(clip(name))
	})
}

// asked returns, once, what the client has asked since the last call.
func (c *control) asked() (Pace, *event.Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.pace
	c.pace = ""
	return p, c.fault
}
