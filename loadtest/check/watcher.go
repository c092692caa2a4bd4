package check

import (
	"fmt"
	"time"
)

// Watcher holds what one reader sees of a Course. It is used by one goroutine
// at a time.
type Watcher struct {
	course *Course
	// Name says who it is, in the report of a violation.
	Name string

	// first is the step that it begins with.
	first int
	seen  []uint64 // a bit for each step
	last  uint64   // the newest sequence
	// resumed is where it last went on from, and before the newest sequence it
	// had had then: what lies between was not committed, and may come again.
	resumed, before uint64
	// snapshot says that a reset was met: what follows is a state, not news.
	snapshot bool
	Tally
}

// Tally counts what was seen. Delivered is what was expected and came, once.
type Tally struct {
	Delivered, Expected, Conflated   uint64
	Gaps, Repeats, Reordered         uint64
	Altered, Resets, Resent, Foreign uint64
}

// Add adds up.
func (t *Tally) Add(o Tally) {
	t.Delivered, t.Expected, t.Conflated = t.Delivered+o.Delivered, t.Expected+o.Expected, t.Conflated+o.Conflated
	t.Gaps, t.Repeats, t.Reordered = t.Gaps+o.Gaps, t.Repeats+o.Repeats, t.Reordered+o.Reordered
	t.Altered, t.Resets, t.Resent, t.Foreign = t.Altered+o.Altered, t.Resets+o.Resets, t.Resent+o.Resent, t.Foreign+o.Foreign
}

// Violations is how much of it must not be.
func (t *Tally) Violations() uint64 { return t.Gaps + t.Repeats + t.Reordered + t.Altered }

// Watch returns a watcher that begins where the course does.
func (c *Course) Watch(name string) *Watcher { return &Watcher{course: c, Name: name} }

// WatchFrom returns a watcher of what comes from step first on.
func (c *Course) WatchFrom(name string, first int) *Watcher {
	return &Watcher{course: c, Name: name, first: first}
}

// Fault is something that must not happen: which watcher, which sequence.
type Fault struct {
	Watcher string
	Seq     uint64
	What    string
}

func (f *Fault) String() string { return fmt.Sprintf("%s, at %d: %s", f.Watcher, f.Seq, f.What) }

// Take notes that step n came with a sequence, and a value by its hash, which is
// 0 for one that took the key away. Fresh
// says that it is the first time; due is when it was meant to happen. A fault
// is counted, too.
func (w *Watcher) Take(n int, seq, value uint64) (due time.Time, fresh bool, fault *Fault) {
	if !w.course.known(n) {
		w.Foreign++
		return due, false, nil
	}
	due = time.Unix(0, w.course.steps[n].due.Load())
	switch {
	case !w.course.learn(n, seq, value):
		w.Altered++
		return due, false, w.fault(seq, fmt.Sprintf("step %d is not what others saw", n))
	case w.has(n) && w.snapshot:
		return due, false, nil
	case w.has(n) && seq > w.resumed && seq <= w.before:
		w.Resent++
		return due, false, nil
	case w.has(n):
		w.Repeats++
		return due, false, w.fault(seq, fmt.Sprintf("step %d came again", n))
	}
	w.set(n)
	w.Delivered++
	if seq < w.last && !w.snapshot {
		w.Reordered++
		return due, true, w.fault(seq, fmt.Sprintf("step %d came after %d", n, w.last))
	}
	w.last = max(w.last, seq)
	return due, true, nil
}

// Resume says that the watcher goes on from the position that it had.
func (w *Watcher) Resume(position uint64) {
	w.resumed, w.before, w.last = position, max(w.last, w.before), position
}

// Reset says that a snapshot begins, and Live that it has ended.
func (w *Watcher) Reset() { w.snapshot, w.last = true, 0; w.Resets++ }

// Live says that the watcher has caught up.
func (w *Watcher) Live() { w.snapshot = false }

func (w *Watcher) fault(seq uint64, what string) *Fault { return &Fault{w.Name, seq, what} }

func (w *Watcher) has(n int) bool {
	return n>>6 < len(w.seen) && w.seen[n>>6]&(1<<(n&63)) != 0
}

func (w *Watcher) set(n int) {
	for n>>6 >= len(w.seen) {
		w.seen = append(w.seen, 0)
	}
	w.seen[n>>6] |= 1 << (n & 63)
}
