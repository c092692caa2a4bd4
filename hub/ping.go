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
	var scratch [256]byte
	s.small = s.encoding.AppendFrame(s.small[:0], appendClock(scratch[:0], "ping", id, now), id)
	stale := s.stale(waits)
	if stale == (staleness{}) {
		stale = s.told
	}
	if stale != (staleness{}) {
		s.small = s.encoding.AppendFrame(s.small, appendStale(scratch[:0], stale), "")
		s.told, s.owesLive = stale, true
	}
	return s.small
}

// Frame returns any other frame for this reader alone: goaway, an error. The
// bytes are valid until the next call of any method.
func (s *Subscription) Frame(f event.Frame) []byte {
	b, err := json.Marshal(f)
	if err != nil {
		panic(err) // only for a Value that is not JSON
	}
	s.small = s.encoding.AppendFrame(s.small[:0], b, "")
	return s.small
}
