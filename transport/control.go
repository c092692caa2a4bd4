package transport

import (
	"encoding/json"
	"sync"
	"sync/atomic"

	"golang.org/x/time/rate"

	"everything.local/event"
)

// How many lines a client may send after its first: a page that is shown and
// hidden sends a few a minute, a client that beats for itself one a second.
const (
	linesPerSecond = 10
	linesAtOnce    = 30
)

// control is what others have for an open session, on its way to who serves it.
type control struct {
	// news says that there is something.
	news atomic.Bool

	// lines belongs to who calls Take; nil before the first line.
	lines *rate.Limiter

	mu sync.Mutex
	word
}

// word is what others have said to a session.
type word struct {
	pace   Pace         // "" for no change
	fault  *event.Fault // set when a line ended the feed
	notice *notice      // nil unless it is to leave
}

// hear hands over what was said since the last call. A fault stays.
func (c *control) hear() word {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.word
	c.pace, c.notice = "", nil
	c.news.Store(false)
	return w
}

// tell changes what there is to be heard, and has it heard.
func (s *Session) tell(what func(*word)) {
	s.control.mu.Lock()
	what(&s.control.word)
	s.control.news.Store(true)
	s.control.mu.Unlock()
	s.Wake()
}

// Take takes a further line of the client: a change of pace, or a heartbeat of
// its own, which needs no answer. What is neither, and a flood, ends the feed:
// Take returns false, and no line after it counts. It is called by one
// goroutine, while the session is served or after.
func (s *Session) Take(line []byte) bool {
	if s.control.failed() {
		return false
	}
	pace, err := s.control.read(line)
	if err != nil {
		s.Fail(err)
		return false
	}
	if pace != "" {
		s.tell(func(w *word) { w.pace = pace })
	}
	return true
}

// Fail ends the feed with err as its last frame, if it has no end yet: the
// client broke a rule of its wire.
func (s *Session) Fail(err error) {
	s.tell(func(w *word) {
		if w.fault == nil {
			w.fault = fault(err)
		}
	})
}

func (c *control) failed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fault != nil
}

// read reads a line that follows the first: the pace it asks for, "" for none.
func (c *control) read(line []byte) (pace Pace, err error) {
	if c.lines == nil {
		c.lines = rate.NewLimiter(linesPerSecond, linesAtOnce)
	}
	if !c.lines.Allow() {
		return "", event.Errorf(event.TooManyRequests, "too many lines on this feed; a heartbeat a second is enough")
	}
	err = members(line, func(name string, value json.RawMessage) error {
		switch name {
		case "ping":
			return nil
		case "pace":
			var asked string
			if err := text(value, name, &asked); err != nil {
				return err
			}
			pace, err = parsePace(asked)
			return err
		}
		return event.Errorf(event.UnknownField, "a feed that is open takes pace and ping, not %s; open another one to follow other topics", event.Quote(name)).At(clip(name))
	})
	return pace, err
}
