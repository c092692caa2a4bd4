package hub

import (
	"encoding/json"
	"time"

	"everything.local/event"
)

// Ping returns the heartbeat with the position this reader has drained and the
// clock, and after it, while the feed is stale, the word that it is. The bytes
// are valid until the next call of any method.
func (s *Subscription) Ping(now time.Time) []byte {
	h := s.hub
	h.mu.RLock()
	defer h.mu.RUnlock()
	waits := s.waits()
	id := ""
	if h.serving() {
		if !s.inBatch && !s.pending() {
			s.settle(waits)
		}
		if s.committed > 0 {
			id = h.cursorAt(s.committed)
		}
	}
	stale := s.stale(waits)
	if stale == (staleness{}) {
		stale = s.told
	}
	// Both frames' JSON comes first in the buffer, their framing behind it.
	b := appendClock(s.small[:0], "ping", id, now)
	ping := len(b)
	if stale != (staleness{}) {
		b = appendStale(b, stale)
		s.told, s.owesLive = stale, true
	}
	text := len(b)
	s.frames = 1
	b = s.encoding.AppendFrame(b, b[:ping], id)
	if text > ping {
		s.frames = 2
		b = s.encoding.AppendFrame(b, b[ping:text], "")
	}
	s.small = b
	return b[text:]
}

// Frame returns any other frame for this reader alone: goaway, an error. The
// bytes are valid until the next call of any method.
func (s *Subscription) Frame(f event.Frame) []byte {
	b, err := json.Marshal(f)
	if err != nil {
		panic(err) // only for a Value that is not JSON
	}
	s.small = s.encoding.AppendFrame(s.small[:0], b, "")
	s.frames = 1
	return s.small
}
