package hub

import (
	"encoding/json"
	"sync"
	"time"

	"everything.local/event"
)

// chunk is where Next puts together what is not one slice of a ring.
type chunk struct {
	out []byte
	// json is the frame to be added, before its framing.
	json   []byte
	frames int
}

// chunks lends chunks to subscriptions from one call of Next to the following,
// so that an idle one holds none.
var chunks = sync.Pool{New: func() any { return &chunk{out: make([]byte, 0, segmentSize)} }}

// keepChunk is the size above which a chunk is not kept for others: it has
// held a frame larger than most.
const keepChunk = 4 * segmentSize

// add frames c.json. It reports false, and leaves the chunk as it was, when
// that would make it too long and it holds something already.
func (c *chunk) add(e Encoding, id string) bool {
	n := len(c.out)
	c.out = e.AppendFrame(c.out, c.json, id)
	if n > 0 && len(c.out) > segmentSize {
		c.out = c.out[:n]
		return false
	}
	c.frames++
	return true
}

// addAll adds frames that are encoded already, if they fit.
func (c *chunk) addAll(b []byte, frames int) bool {
	if len(c.out)+len(b) > segmentSize {
		return false
	}
	c.out = append(c.out, b...)
	c.frames += frames
	return true
}

func (s *Subscription) release() {
	c := s.chunk
	if c == nil {
		return
	}
	s.chunk = nil
	if cap(c.out) <= keepChunk && cap(c.json) <= keepChunk {
		c.out, c.frames = c.out[:0], 0
		chunks.Put(c)
	}
}

// Next returns what is to be sent now, and takes it as sent: whole frames, at
// most 16 KiB of them unless a single one is larger. It is empty when there is
// nothing until the next Wake. The bytes are valid until the next call of any
// method and must not be changed.
func (s *Subscription) Next() []byte {
	s.release()
	h := s.hub
	h.mu.RLock()
	defer h.mu.RUnlock()
	if b, ok := s.fromRing(); ok {
		return b
	}
	s.chunk = chunks.Get().(*chunk)
	s.compose(s.chunk)
	h.counters.frames.Add(uint64(s.chunk.frames))
	return s.chunk.out
}

// fromRing is Next for the subscription to one topic with nothing to be told
// but what its ring has: no byte is copied. It reports false when that is not
// so.
func (s *Subscription) fromRing() ([]byte, bool) {
	h, f := s.hub, &s.feeds[0]
	if len(s.feeds) > 1 || !f.onRing || f.stream.ring == nil || s.life != h.life ||
		s.inBatch || s.owesLive || h.staleNow() != s.told {
		return nil, false
	}
	end := f.stream.ring.end()
	st, ok := f.stream.ring.next(f.place, end)
	if !ok {
		return nil, false
	}
	f.place = st.end
	if len(st.b) > 0 {
		f.sent = st.seq
	}
	if f.place == end {
		f.sent = h.applied
	}
	s.committed = f.sent
	h.counters.frames.Add(uint64(st.frames))
	return st.b, true
}

// compose fills the chunk with what the reader has not seen.
func (s *Subscription) compose(c *chunk) {
	h := s.hub
	waits := s.waits()
	s.sayStale(c, waits)
	if !h.serving() {
		return
	}
	for s.inBatch || s.pending() {
		if !s.batch(c) {
			return
		}
	}
	s.settle()
	s.sayLive(c, waits)
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
func (s *Subscription) batch(c *chunk) bool {
	h := s.hub
	if !s.inBatch {
		s.inBatch, s.dirty, s.turn, s.goal = true, false, 0, h.applied
		for i := range s.feeds {
			if f := &s.feeds[i]; f.onRing && f.stream.ring != nil {
				f.until = f.stream.ring.end()
			}
		}
	}
	for ; s.turn < len(s.feeds); s.turn++ {
		if !s.fill(&s.feeds[s.turn], c) {
			return false
		}
	}
	least := s.goal
	if s.dirty {
		id := h.cursorAt(least)
		c.json = appendCursor(c.json[:0], id)
		if !c.add(s.encoding, id) {
			return false
		}
	}
	s.inBatch = false
	s.committed = max(s.committed, least)
	return true
}

// settle notes that nothing is pending: all is sent up to what is applied.
func (s *Subscription) settle() {
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
	s.committed = max(s.committed, h.applied)
}

// sayStale tells the reader that what it shows is stale, if that is news.
func (s *Subscription) sayStale(c *chunk, waits bool) {
	now := s.stale(waits)
	if now == (staleness{}) || now == s.told {
		return
	}
	c.json = appendStale(c.json[:0], now)
	if c.add(s.encoding, "") {
		s.told, s.owesLive = now, true
	}
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
func (s *Subscription) sayLive(c *chunk, waits bool) {
	if !s.owesLive || waits || s.stale(waits) != (staleness{}) {
		return
	}
	c.json = appendClock(c.json[:0], "live", s.hub.cursor, time.Now())
	if c.add(s.encoding, s.hub.cursor) {
		s.owesLive, s.told = false, staleness{}
	}
}

// cursorAt writes the cursor of a sequence; mostly it is the newest one.
func (h *Hub) cursorAt(seq uint64) string {
	if seq == h.applied {
		return h.cursor
	}
	return event.Cursor{Epoch: h.epoch, Seq: seq}.String()
}

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
		if !s.inBatch && !s.pending() && !waits {
			s.settle()
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
