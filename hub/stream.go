package hub

import "bytes"

// Encoding is a wire's framing of the JSON frames: "data: …" and a blank line,
// or a line feed. It is called by many goroutines at once and must give the
// same bytes for the same arguments.
type Encoding interface {
	// Name tells encodings apart.
	Name() string
	// AppendFrame appends the framing of one JSON frame to dst. With id the
	// frame commits the whole subscription at that cursor; it is empty for
	// others. Neither frame nor id may be kept; frame may lie in dst's array
	// before its end.
	AppendFrame(dst, frame []byte, id string) []byte
}

// format is what tells one stream of a topic's bytes from another.
type format struct {
	name string
	// alone says that a cursor on an entry commits the whole subscription.
	alone bool
}

// formatOf returns the format of a subscription to n topics. An encoding that
// does not write ids has one format for all.
func formatOf(e Encoding, n int) format {
	probe := []byte(`{}`)
	same := bytes.Equal(e.AppendFrame(nil, probe, ""), e.AppendFrame(nil, probe, "e.1"))
	return format{e.Name(), n == 1 && !same}
}

// ringFrom is how many subscribers of the same bytes make a ring pay: below
// that, encoding for each costs less than the ring's memory, and one customer
// has no more devices than that.
const ringFrom = 3

// stream is a topic's frames in one format, and how many want them.
type stream struct {
	encoding Encoding
	format   format
	wanted   int
	// ring is nil while there are too few subscribers. The next one begins at
	// base, so that places in a former one have fallen off it.
	ring *ring
	base uint64
}

func (t *topic) join(e Encoding, f format) *stream {
	s := t.streams[f]
	if s == nil {
		if t.streams == nil {
			t.streams = make(map[format]*stream)
		}
		s = &stream{encoding: e, format: f}
		t.streams[f] = s
	}
	s.wanted++
	if s.ring == nil && s.wanted >= ringFrom {
		s.ring = &ring{tail: s.base}
	}
	return s
}

func (t *topic) leave(s *stream) {
	s.wanted--
	if s.wanted == 0 {
		delete(t.streams, s.format)
		return
	}
	// A ring stays at ringFrom-1, so that one who comes and goes does not make
	// it come and go.
	if s.ring != nil && s.wanted < ringFrom-1 {
		s.base = s.ring.tail + 1
		s.ring = nil
	}
}

// scratch is reused from event to event.
type scratch struct {
	changes []change
	frames  []byte
	ends    []int
	block   []byte
}

// publish appends the frames of one event to the rings of one topic; h.mu is
// held for writing.
func (h *Hub) publish(c change) {
	encoded := false
	for _, s := range c.topic.streams {
		if s.ring == nil {
			continue
		}
		if !encoded {
			h.encode(c)
			encoded = true
		}
		s.append(&h.scratch, c.items[0].seq, h.cursor)
		h.totals.encoded += uint64(len(c.items))
	}
}

// encode writes the JSON of the change's frames into scratch. The last one
// carries the mark.
func (h *Hub) encode(c change) {
	sc := &h.scratch
	sc.frames, sc.ends = sc.frames[:0], sc.ends[:0]
	for i, it := range c.items {
		mark := ""
		if i == len(c.items)-1 {
			mark = h.cursor
		}
		sc.frames = appendItem(sc.frames, c.topic.name, it, mark)
		sc.ends = append(sc.ends, len(sc.frames))
	}
}

func (s *stream) append(sc *scratch, seq uint64, cursor string) {
	sc.block = sc.block[:0]
	from := 0
	for i, end := range sc.ends {
		id := ""
		if s.format.alone && i == len(sc.ends)-1 {
			id = cursor
		}
		sc.block = s.encoding.AppendFrame(sc.block, sc.frames[from:end], id)
		from = end
	}
	s.ring.append(sc.block, len(sc.ends), seq)
}
