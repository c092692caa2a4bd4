package scenario

import (
	"bytes"
	"slices"
	"sync/atomic"

	"everything.local/loadtest/feed"
)

// familiar knows what others of a crowd were sent. A hub sends the same bytes to
// all watchers of a topic: to hold them against those that were parsed once is
// as exact as to parse them again, and a tenth of the work, without which the
// harness is busier than the hub. It is for tracks whose step depends on the
// frame alone. It may be used by many goroutines.
type familiar struct {
	// start stands before the first frame of those who begin together.
	start known
	// recent are frames by their steps, for who missed one.
	recent [1 << 10]atomic.Pointer[known]
}

// known is a frame that was parsed.
type known struct {
	raw    []byte
	frame  feed.Frame // parts of raw
	step   int
	digest uint64
	// next is what came next to the one who was first.
	next atomic.Pointer[known]
}

// after returns the frame with these bytes if it is known to follow last, which
// is nil for a watcher that begins.
func (f *familiar) after(last *known, b []byte) *known {
	if last == nil {
		last = &f.start
	}
	if k := last.next.Load(); k != nil && bytes.Equal(k.raw, b) {
		return k
	}
	return nil
}

// learn returns the frame with these bytes, which is a step, and has it follow
// last unless another does.
func (f *familiar) learn(last *known, b []byte, step int) *known {
	if last == nil {
		last = &f.start
	}
	recent := &f.recent[step%len(f.recent)]
	k := recent.Load()
	if k == nil || !bytes.Equal(k.raw, b) {
		k = &known{raw: slices.Clone(b), step: step}
		_ = k.frame.Parse(k.raw) // as it was a moment ago
		k.digest = digest(k.frame.Value)
		recent.Store(k)
	}
	last.next.CompareAndSwap(nil, k)
	return k
}
