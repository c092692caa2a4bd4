package cafe

import (
	"maps"
	"strconv"

	"github.com/google/go-cmp/cmp"

	"everything.local/event"
)

// shown is what the topics should hold, computed from the state anew.
func shown(s *State) map[entryKey]string {
	m := map[entryKey]string{}
	for _, it := range s.Menu() {
		m[entryKey{event.Menu, it.ID}] = string(encode(it))
	}
	for _, a := range s.Announcements() {
		m[entryKey{event.Announcements, a.ID}] = string(encode(a))
	}
	for _, a := range s.announcements {
		if t := a.timer(); t.ID != "" {
			m[entryKey{event.Timers, t.ID}] = string(encode(t))
		}
	}
	newest := map[int32]*order{}
	for id, o := range s.orders {
		view, _ := s.Order(id)
		m[entryKey{event.OrdersOf(view.Customer), id}] = string(encode(view))
		if !view.Status.Open() {
			continue
		}
		m[entryKey{event.Kitchen, id}] = string(encode(view))
		if old := newest[view.Number]; old == nil || old.seq < o.seq {
			newest[view.Number] = o
		}
		if t := o.timer(); t.ID != "" {
			m[entryKey{event.Timers, t.ID}] = string(encode(t))
		}
	}
	for number, o := range newest {
		m[entryKey{event.Board, strconv.Itoa(int(number))}] = string(encode(boardLine(o)))
	}
	return m
}

// checkShown compares what followers hold with what the state would show.
func (w *world) checkShown() {
	w.t.Helper()
	held := map[entryKey]string{}
	for k, e := range w.topics {
		if !e.Gone() {
			held[k] = string(e.Value)
		}
	}
	if want := shown(w.s); !maps.Equal(want, held) {
		w.t.Fatalf("what is shown is not what is: %s", cmp.Diff(want, held, cmp.AllowUnexported(entryKey{})))
	}
}
