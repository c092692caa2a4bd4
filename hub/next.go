package hub

import (
	"time"

	"everything.local/event"
)

// Next returns what is to be sent now, and takes it as sent: whole frames, at
// most 16 KiB of them unless a single one is larger. It is empty when there is
// nothing until the next Wake. The bytes are valid until the next call of any
// method but Drained and Frames, and must not be changed.
func (s *Subscription) Next() []byte {
	s.Release()
	s.frames = 0
	h := s.hub
	h.mu.RLock()
	defer h.mu.RUnlock()
	if b, ok := s.fromRing(); ok {
		return b
	}
	s.chunk = chunks.Get().(*chunk)
	s.drained = s.compose(s.chunk)
	s.note()
	if s.chunk.frames == 0 {
		s.Release() // an idle reader holds no buffer
		return nil
	}
	s.frames = s.chunk.frames
	h.counters.frames.Add(uint64(s.frames))
	return s.chunk.out
}

// Drained reports whether the last Next returned all that there was.
func (s *Subscription) Drained() bool { return s.drained }

// Frames is how many frames there were in what Next, Ping or Frame returned
// last.
func (s *Subscription) Frames() int { return s.frames }

// fromRing is Next for the subscription to one topic with nothing to be told
// but what its ring has: no byte is copied. It reports false when that is not
// so.
func (s *Subscription) fromRing() ([]byte, bool) {
	h, f := s.hub, &s.feeds[0]
	if len(s.feeds) > 1 || !f.onRing || f.stream.ring == nil || s.life != h.life ||
		s.inBatch || s.owesLive || h.staleNow() != s.told {
		return nil, false
	}
	st, ok := f.stream.ring.next(f.place, f.stream.ring.tail)
	if !ok {
		return nil, false
	}
	f.place = st.end
	if len(st.b) > 0 {
		f.sent = st.seq
	}
	if s.drained = f.place == f.stream.ring.end(); s.drained {
		f.sent = h.applied
	}
	s.committed, s.frames = f.sent, st.frames
	s.handed.Store(f.sent)
	h.counters.frames.Add(uint64(st.frames))
	return st.b, true
}

// compose fills the chunk with what the reader has not seen. It reports whether
// that is all in it.
func (s *Subscription) compose(c *chunk) bool {
	h := s.hub
	waits := s.waits()
	if !s.sayStale(c, waits) || !h.serving() {
		return false
	}
	for s.inBatch || s.pending() {
		if !s.batch(c, waits) {
			return false
		}
	}
	s.settle(waits)
	return s.sayLive(c, waits)
}

func (s *Subscription) pending() bool {
	for i := range s.feeds {
		if s.feeds[i].pending(s.hub.applied) {
			return true
		}
	}
	return false
}

// batch goes through the feeds in turn and sends each what it had when the
// batch began, so that a busy topic cannot keep the commit away for ever. It
// reports false when the chunk is full before that.
func (s *Subscription) batch(c *chunk, waits bool) bool {
	h := s.hub
	if !s.inBatch {
		s.inBatch, s.turn, s.goal = true, 0, h.applied
		for i := range s.feeds {
			if f := &s.feeds[i]; f.onRing && f.stream.ring != nil {
				f.last = f.stream.ring.tail
			}
		}
	}
	for ; s.turn < len(s.feeds); s.turn++ {
		if !s.fill(&s.feeds[s.turn], c) {
			return false
		}
	}
	if !s.commit(c, waits) {
		return false
	}
	s.inBatch = false
	return true
}

// commit ends a batch. While the reader is ahead in one topic the others wait
// with their commit until the hub has reached it, so that no cursor goes back.
func (s *Subscription) commit(c *chunk, waits bool) bool {
	if waits {
		return true
	}
	if s.dirty {
		id := s.hub.cursorAt(s.goal)
		c.json = appendCursor(c.json[:0], id)
		if !c.add(s.encoding, id) {
			return false
		}
	}
	s.dirty = false
	s.committed = s.goal
	return true
}

// settle notes that nothing is pending: all is sent up to what is applied.
func (s *Subscription) settle(waits bool) {
	h := s.hub
	for i := range s.feeds {
		f := &s.feeds[i]
		if f.sent > h.applied {
			continue
		}
		if !f.onRing || f.stream.ring == nil {
			f.arrive(h.applied)
		}
		f.sent = h.applied
	}
	if !waits {
		s.committed = h.applied
	}
}

// sayStale tells the reader that what it shows is stale, if that is news. Like
// sayLive it reports whether there was room.
func (s *Subscription) sayStale(c *chunk, waits bool) bool {
	now := s.stale(waits)
	if now == (staleness{}) || now == s.told {
		return true
	}
	c.json = appendStale(c.json[:0], now)
	if !c.add(s.encoding, "") {
		return false
	}
	s.told, s.owesLive = now, true
	return true
}

// stale is what holds for this reader.
func (s *Subscription) stale(waits bool) staleness {
	if now := s.hub.staleNow(); now != (staleness{}) {
		return now
	}
	if waits && time.Since(s.since) >= behindAfter {
		return staleness{s.since, event.HubBehind}
	}
	return staleness{}
}

// sayLive tells the reader that it has caught up, if it is owed that.
func (s *Subscription) sayLive(c *chunk, waits bool) bool {
	if !s.owesLive || waits || s.stale(waits) != (staleness{}) {
		return true
	}
	c.json = appendClock(c.json[:0], "live", s.hub.cursor, time.Now())
	if !c.add(s.encoding, s.hub.cursor) {
		return false
	}
	s.owesLive, s.told = false, staleness{}
	return true
}

// cursorAt writes the cursor of a sequence; mostly it is the newest one.
func (h *Hub) cursorAt(seq uint64) string {
	if seq == h.applied {
		return h.cursor
	}
	return event.Cursor{Epoch: h.epoch, Seq: seq}.String()
}
