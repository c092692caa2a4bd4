package hub

import "sync"

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

// Release gives back the buffer of what Next returned last, when its bytes are
// written and Next is not called again at once: thousands of idle readers would
// keep 16 KiB each.
func (s *Subscription) Release() {
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
