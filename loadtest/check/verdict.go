package check

import "fmt"

// Truth is a topic as a reader who came last finds it: what each key's newest
// entry is.
type Truth struct {
	Entries map[uint32]Entry
	// Partial says that the topic forgets keys although they did not go: then
	// only those that it has are looked at.
	Partial bool
}

// ends reports whether a key whose newest step is e ends as the truth has it.
// A step without a value took the key away.
func (t *Truth) ends(key uint32, e Entry) bool {
	has, ok := t.Entries[key]
	if !ok {
		return t.Partial || e.Value == 0
	}
	return has == e
}

// Entry is the newest of a key.
type Entry struct{ Seq, Value uint64 }

// maxFaults bounds what is told of one watcher: the first says most.
const maxFaults = 3

// Finish holds the watcher against the whole course. What did not come is
// conflated if a newer state of the same key did, else a gap. The last that
// came of each key must be the truth's; with truth nil that is left out.
func (w *Watcher) Finish(truth *Truth) []*Fault {
	var faults []*Fault
	report := func(seq uint64, format string, args ...any) {
		if w.Gaps++; len(faults) < maxFaults {
			faults = append(faults, w.fault(seq, fmt.Sprintf(format, args...)))
		}
	}
	newer := map[uint32]bool{}
	for n := int(w.course.used.Load()) - 1; n >= w.first; n-- {
		s := &w.course.steps[n]
		has := w.has(n)
		if s.state.Load() != happened && !has {
			continue
		}
		w.Expected++
		switch {
		case has && !newer[s.key]:
			newer[s.key] = true
			if truth != nil && !truth.ends(s.key, Entry{s.seq.Load(), s.value.Load()}) {
				report(s.seq.Load(), "key %d ends with step %d, but the hub has it at %d", s.key, n, truth.Entries[s.key].Seq)
			}
		case has:
		case newer[s.key]:
			w.Conflated++
		default:
			report(s.seq.Load(), "step %d never came", n)
		}
	}
	return faults
}

// Complete reports whether everything that happened has come, so that there is
// nothing left to wait for. It looks at the newest steps first.
func (w *Watcher) Complete() bool {
	newer := map[uint32]bool{}
	for n := int(w.course.used.Load()) - 1; n >= w.first; n-- {
		s := &w.course.steps[n]
		if w.has(n) {
			newer[s.key] = true
		} else if s.state.Load() == happened && !newer[s.key] {
			return false
		}
	}
	return true
}
