package check

import (
	"sync/atomic"
	"time"
)

// Course is what one run makes happen on one topic, by number. What happens to
// one key happens in the order of the numbers: Due is called for a number only
// when what was numbered before under its key was answered. It may be used by
// many goroutines.
type Course struct {
	steps []step
	// used is one more than the largest number that was given.
	used atomic.Int64
}

type step struct {
	key   uint32
	due   atomic.Int64
	seq   atomic.Uint64
	value atomic.Uint64
	state atomic.Int32
}

// What became of a step.
const (
	unknown int32 = iota // or its command had no clear answer
	happened
	refused
)

// NewCourse returns a course of at most size steps.
func NewCourse(size int) *Course { return &Course{steps: make([]step, size)} }

// Due says that step n, under the key with this number, is meant to happen at
// an instant, from which its latency counts.
func (c *Course) Due(n int, key uint32, at time.Time) {
	s := &c.steps[n]
	s.key = key
	s.due.Store(at.UnixNano())
	for {
		used := c.used.Load()
		if int64(n) < used || c.used.CompareAndSwap(used, int64(n)+1) {
			return
		}
	}
}

// Happened says that the hub has confirmed step n.
func (c *Course) Happened(n int) { c.steps[n].state.Store(happened) }

// Refused says that step n certainly did not happen.
func (c *Course) Refused(n int) { c.steps[n].state.Store(refused) }

// Count returns how many steps happened.
func (c *Course) Count() int {
	count := 0
	for n := range c.steps[:c.used.Load()] {
		if c.steps[n].state.Load() == happened {
			count++
		}
	}
	return count
}

// known reports whether n is a step that was begun.
func (c *Course) known(n int) bool { return n >= 0 && int64(n) < c.used.Load() }

// learn notes the sequence and value of a step, and reports whether they are
// those that others saw.
func (c *Course) learn(n int, seq, value uint64) bool {
	s := &c.steps[n]
	seen := s.seq.CompareAndSwap(0, seq) || s.seq.Load() == seq
	return (s.value.CompareAndSwap(0, value) || s.value.Load() == value) && seen
}
