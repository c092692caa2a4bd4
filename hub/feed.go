package hub

// feed is a subscription's part in one topic: a position, and no frames.
type feed struct {
	follower
	topic  *topic
	stream *stream

	// sent is up to where the topic is sent; beyond the hub's when that is
	// behind the reader.
	sent uint64
	// onRing says that place is where the feed is in its stream's ring; the
	// batch ends with the segment last.
	onRing bool
	place  place
	last   uint64

	// reading says that the feed is being read from the map: what lies at or
	// before done is sent, and tombstones up to base are not needed.
	reading bool
	done    mark
	base    uint64
	// resetDue says that a reset comes first.
	resetDue bool
	// unmarked says that this is a catch-up, committed as a whole when it is
	// done, and not a change or two of a topic without a ring.
	unmarked bool
}

// reset makes the feed begin with nothing.
func (f *feed) reset() {
	f.sent, f.onRing, f.resetDue = 0, false, true
	f.read(true)
}

// resume makes the feed continue behind seq.
func (f *feed) resume(seq uint64) {
	f.sent, f.onRing, f.resetDue = seq, false, false
	f.read(true)
}

// read begins to read the map behind what is sent.
func (f *feed) read(unmarked bool) {
	f.reading, f.unmarked = true, unmarked
	f.done, f.base = mark{seq: f.sent}, f.sent
}

// pending reports whether there may be frames to send.
func (f *feed) pending(applied uint64) bool {
	switch {
	case f.sent > applied:
		return false
	case f.resetDue:
		return true
	case f.onRing && f.stream.ring != nil:
		return f.place != f.stream.ring.end()
	default:
		return f.topic.newest() > f.sent
	}
}

// fill adds the feed's share of a batch to the chunk. It reports false when
// the chunk is full before that.
func (s *Subscription) fill(f *feed, c *chunk) bool {
	if f.sent > s.hub.applied {
		return true
	}
	if f.onRing {
		full, ok := s.fillFromRing(f, c)
		if ok {
			return !full
		}
	}
	return s.fillFromMap(f, c)
}

// fillFromRing copies what the ring has, up to the segment it had when the
// batch began. It reports !ok when the feed has to go on from the map.
func (s *Subscription) fillFromRing(f *feed, c *chunk) (full, ok bool) {
	if f.stream.ring == nil {
		f.onRing = false
		f.read(false)
		return false, false
	}
	for {
		st, on := f.stream.ring.next(f.place, f.last)
		switch {
		case !on:
			f.onRing = false
			f.read(true)
			s.hub.counters.fell.Add(1)
			return false, false
		case len(st.b) == 0:
			f.sent = max(f.sent, s.goal)
			return false, true
		case !c.addAll(st.b, st.frames):
			return true, true
		}
		f.place, f.sent = st.end, st.seq
		s.dirty = s.dirty || len(s.feeds) > 1
	}
}

// fillFromMap adds what the map holds behind the feed's mark, in order.
func (s *Subscription) fillFromMap(f *feed, c *chunk) bool {
	h, t := s.hub, f.topic
	if !f.reading {
		f.read(false)
	}
	if t.floor > max(f.base, f.done.whole()) {
		f.resetDue = true
	}
	if f.resetDue {
		c.json = appendReset(c.json[:0], t.name)
		if !c.add(s.encoding, "") {
			return false
		}
		f.resetDue, f.unmarked, s.dirty = false, true, true
		f.done, f.base = mark{}, h.applied
		s.committed = 0
	}
	w := t.changed(f.done, f.base)
	for it := w.next(); it != nil; {
		following := w.next()
		if !s.addItem(f, c, it, following == nil) {
			return false
		}
		f.done = mark{it.seq, it.key, true}
		it = following
	}
	f.arrive(h.applied)
	return true
}

// addItem adds one frame. The last of a topic that is simply up to date again
// carries a mark, like the frames of a ring.
func (s *Subscription) addItem(f *feed, c *chunk, it *item, last bool) bool {
	mark, id := "", ""
	if last && !f.unmarked {
		mark = s.hub.cursorAt(it.seq)
		if len(s.feeds) == 1 {
			id = mark
		}
	}
	c.json = appendItem(c.json[:0], f.topic.name, it, mark)
	if !c.add(s.encoding, id) {
		return false
	}
	s.dirty = s.dirty || f.unmarked || len(s.feeds) > 1
	s.hub.counters.fromMap.Add(1)
	return true
}

// arrive ends a reading of the map: all up to seq is sent.
func (f *feed) arrive(seq uint64) {
	f.reading = false
	f.sent = seq
	if f.stream.ring != nil {
		f.onRing, f.place = true, f.stream.ring.end()
	}
}

// changed walks through what somebody at the mark has not seen. Tombstones up
// to base are of keys it never had.
func (t *topic) changed(done mark, base uint64) merge {
	gone := done
	if gone.whole() < base {
		gone = mark{seq: base}
	}
	return merge{t.present.after(done), t.gone.after(gone)}
}

// merge walks through two sequences in one order.
type merge struct{ a, b walk }

func (m *merge) next() *item {
	a, b := m.a.peek(), m.b.peek()
	if b == nil || a != nil && (a.seq < b.seq || a.seq == b.seq && a.key < b.key) {
		return m.a.next()
	}
	return m.b.next()
}
