package check_test

import (
	"strings"
	"testing"
	"time"

	"everything.local/loadtest/check"
)

// arrival is one entry as a watcher gets it.
type arrival struct {
	step       int
	seq, value uint64
}

// doctored are streams of a course of six steps on two keys, of which the even
// steps change key 0 and the odd ones key 1; step n has sequence 10+n.
var doctored = map[string]struct {
	stream []arrival
	want   check.Tally
	told   string
}{
	"all in order": {
		stream: []arrival{{0, 10, 1}, {1, 11, 2}, {2, 12, 3}, {3, 13, 4}, {4, 14, 5}, {5, 15, 6}},
		want:   check.Tally{Delivered: 6, Expected: 6},
	},
	"a gap": {
		stream: []arrival{{0, 10, 1}, {1, 11, 2}, {2, 12, 3}, {3, 13, 4}, {4, 14, 5}},
		want:   check.Tally{Delivered: 5, Expected: 6, Gaps: 2}, // and key 1 ends in the wrong state
		told:   "step 5 never came",
	},
	"skipped states": {
		stream: []arrival{{0, 10, 1}, {3, 13, 4}, {4, 14, 5}, {5, 15, 6}},
		want:   check.Tally{Delivered: 4, Expected: 6, Conflated: 2},
	},
	"a repetition": {
		stream: []arrival{{0, 10, 1}, {1, 11, 2}, {1, 11, 2}, {2, 12, 3}, {3, 13, 4}, {4, 14, 5}, {5, 15, 6}},
		want:   check.Tally{Delivered: 6, Expected: 6, Repeats: 1},
		told:   "step 1 came again",
	},
	"out of order": {
		stream: []arrival{{1, 11, 2}, {0, 10, 1}, {2, 12, 3}, {3, 13, 4}, {4, 14, 5}, {5, 15, 6}},
		want:   check.Tally{Delivered: 6, Expected: 6, Reordered: 1},
		told:   "step 0 came after 11",
	},
	"another value": {
		stream: []arrival{{0, 10, 1}, {1, 11, 9}, {2, 12, 3}, {3, 13, 4}, {4, 14, 5}, {5, 15, 6}},
		want:   check.Tally{Delivered: 5, Expected: 6, Altered: 1, Conflated: 1},
		told:   "step 1 is not what others saw",
	},
	"another sequence": {
		stream: []arrival{{0, 10, 1}, {1, 19, 2}, {2, 12, 3}, {3, 13, 4}, {4, 14, 5}, {5, 15, 6}},
		want:   check.Tally{Delivered: 5, Expected: 6, Altered: 1, Conflated: 1},
		told:   "step 1 is not what others saw",
	},
	"somebody else's": {
		stream: []arrival{{0, 10, 1}, {1, 11, 2}, {2, 12, 3}, {3, 13, 4}, {4, 14, 5}, {5, 15, 6}, {77, 16, 6}},
		want:   check.Tally{Delivered: 6, Expected: 6, Foreign: 1},
	},
}

// TestDoctored shows that the check finds what it is for.
func TestDoctored(t *testing.T) {
	for name, c := range doctored {
		t.Run(name, func(t *testing.T) {
			course, truth := newCourse()
			w := course.Watch("watcher 7")
			var told []string
			for _, a := range c.stream {
				if _, _, fault := w.Take(a.step, a.seq, a.value); fault != nil {
					told = append(told, fault.String())
				}
			}
			for _, f := range w.Finish(truth) {
				told = append(told, f.String())
			}
			if w.Tally != c.want {
				t.Errorf("counted %+v, want %+v", w.Tally, c.want)
			}
			all := strings.Join(told, "; ")
			if (all == "") != (c.told == "") || !strings.Contains(all, c.told) || all != "" && !strings.Contains(all, "watcher 7") {
				t.Errorf("told %q, want something of %q", all, c.told)
			}
		})
	}
}

// newCourse is a course that another watcher has seen whole.
func newCourse() (*check.Course, *check.Truth) {
	course := check.NewCourse(6)
	for n := range 6 {
		course.Due(n, uint32(n%2), time.Unix(0, int64(n)))
		course.Happened(n)
	}
	first := course.Watch("first")
	for n := range 6 {
		first.Take(n, uint64(10+n), uint64(1+n))
	}
	return course, &check.Truth{Entries: map[uint32]check.Entry{0: {Seq: 14, Value: 5}, 1: {Seq: 15, Value: 6}}}
}

// TestWrongEnd is a hub that tells watchers one thing and who comes last another.
func TestWrongEnd(t *testing.T) {
	course, truth := newCourse()
	truth.Entries[1] = check.Entry{Seq: 17, Value: 6}
	w := course.Watch("w")
	for n := range 6 {
		w.Take(n, uint64(10+n), uint64(1+n))
	}
	if faults := w.Finish(truth); len(faults) != 1 || w.Gaps != 1 {
		t.Errorf("faults %v, gaps %d", faults, w.Gaps)
	}
}

// TestResume lets what was not committed come again, and nothing else.
func TestResume(t *testing.T) {
	course, truth := newCourse()
	w := course.Watch("w")
	for n := range 4 {
		w.Take(n, uint64(10+n), uint64(1+n))
	}
	w.Resume(12)
	for n := 3; n < 6; n++ {
		if _, _, fault := w.Take(n, uint64(10+n), uint64(1+n)); fault != nil {
			t.Error(fault)
		}
	}
	if w.Resent != 1 || len(w.Finish(truth)) != 0 {
		t.Errorf("counted %+v", w.Tally)
	}
	w.Resume(15)
	if _, _, fault := w.Take(4, 14, 5); fault == nil || w.Repeats != 1 {
		t.Errorf("what was committed came again: %v, %+v", fault, w.Tally)
	}
}

// TestReset takes a snapshot for what it is: states that may be known.
func TestReset(t *testing.T) {
	course, truth := newCourse()
	w := course.Watch("w")
	w.Take(0, 10, 1)
	w.Take(4, 14, 5)
	w.Reset()
	for _, a := range []arrival{{5, 15, 6}, {4, 14, 5}} {
		if _, _, fault := w.Take(a.step, a.seq, a.value); fault != nil {
			t.Error(fault)
		}
	}
	w.Live()
	if faults := w.Finish(truth); len(faults) != 0 || w.Resets != 1 || w.Conflated != 3 {
		t.Errorf("faults %v, counted %+v", faults, w.Tally)
	}
}

// TestComplete waits for what happened and for nothing else.
func TestComplete(t *testing.T) {
	course := check.NewCourse(4)
	for n := range 3 {
		course.Due(n, 0, time.Unix(0, 0))
	}
	course.Happened(0)
	course.Happened(1)
	course.Refused(2)
	w := course.Watch("w")
	if w.Take(0, 5, 1); w.Complete() {
		t.Error("complete without step 1")
	}
	if w.Take(1, 6, 1); !w.Complete() {
		t.Error("not complete with all that happened")
	}
}
