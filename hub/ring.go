package hub

import "slices"

const (
	// segmentSize is one TLS record, and the most that Next returns at once
	// unless a single frame is larger: a slow reader then has a deadline per
	// 16 KiB and gets the newest states with the next.
	segmentSize = 16 << 10
	// ringSegments makes a ring 1 MiB at most: some eight seconds of whole
	// tickets at a hundred events a second. Falling off costs a read of the
	// map, so there is no need for more.
	ringSegments = 64
)

// segment holds whole events' frames, so that any position handed out lies
// between two events. It is appended to and never overwritten: bytes that are
// being sent stay as they are, and are freed when sent.
type segment struct {
	index uint64
	buf   []byte
	// frames and seq are the number of frames in buf and the event of the
	// last one.
	frames int
	seq    uint64
}

// place is where a subscriber is in a ring.
type place struct {
	index  uint64
	off    int
	frames int
}

// ring is the latest frames of one topic in one format. Guarded by Hub.mu.
type ring struct {
	segments [ringSegments]*segment
	// tail is the index of the newest segment, which may not be there yet.
	tail uint64
}

func (r *ring) at(index uint64) *segment { return r.segments[index%ringSegments] }

// append adds the frames of one event. Everybody falls off when they are more
// than a segment holds.
func (r *ring) append(block []byte, frames int, seq uint64) {
	if len(block) > segmentSize {
		r.skip()
		return
	}
	s := r.at(r.tail)
	if s != nil && len(s.buf)+len(block) > segmentSize {
		r.tail++
		s = nil
	}
	if s == nil {
		s = &segment{index: r.tail, buf: make([]byte, 0, segmentSize)}
		r.segments[r.tail%ringSegments] = s
	}
	s.buf = append(s.buf, block...)
	s.frames += frames
	s.seq = seq
}

// skip lets everybody fall off.
func (r *ring) skip() {
	clear(r.segments[:])
	r.tail++
}

// end is the place behind the last frame.
func (r *ring) end() place {
	if s := r.at(r.tail); s != nil {
		return place{s.index, len(s.buf), s.frames}
	}
	return place{index: r.tail}
}

// stretch is bytes of a ring that lie next to each other, up to the end of
// their segment.
type stretch struct {
	b      []byte
	frames int
	// end is the place behind them, seq the event they end with.
	end place
	seq uint64
}

// next returns what lies between p and the end of its segment, or of the next
// one that is no later than the segment last. It reports false for a p that
// has fallen off.
func (r *ring) next(p place, last uint64) (stretch, bool) {
	for {
		s := r.at(p.index)
		if s == nil && p.index == r.tail {
			return stretch{end: p}, true
		}
		if s == nil || s.index != p.index {
			return stretch{}, false
		}
		if end := len(s.buf); end > p.off {
			return stretch{slices.Clip(s.buf[p.off:end]), s.frames - p.frames, place{s.index, end, s.frames}, s.seq}, true
		}
		if p.index >= last {
			return stretch{end: p}, true
		}
		p = place{index: p.index + 1}
	}
}
