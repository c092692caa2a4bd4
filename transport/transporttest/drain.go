package transporttest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"everything.local/event"
	"everything.local/transport"
)

// goawaySlots: every client is told at once when it must have left, each at
// another time, is served until then and no longer. Nobody new is let in.
func goawaySlots(t *testing.T, way Way) {
	const window = 4 * time.Second
	to := []string{"https://pi-2:8443", "https://pi-3:8443"}
	w := newWorld(t, way, setup{pipes: true, server: transport.ServerConfig{
		DrainWindow: window, GoawayTo: func() []string { return to },
	}})
	c := w.client()
	const n = 4
	streams, followers := make([]Stream, n), make([]*follower, n)
	for i := range n {
		followers[i] = newFollower(event.Menu)
		streams[i] = w.follow(c, Ask{Topics: "menu"})
		untilLive(t, streams[i], followers[i])
	}
	start := time.Now()
	w.stop()
	slots := make(map[time.Duration]int)
	for i, s := range streams {
		fr := next(t, s, followers[i])
		if fr.Goaway == nil {
			t.Fatalf("got %s, want goaway", fr.Raw)
		}
		if diff := cmp.Diff(to, fr.Goaway.To); diff != "" {
			t.Errorf("goaway to (-want +got):\n%s", diff)
		}
		slots[time.Duration(fr.Goaway.WithinMS)*time.Millisecond] = i
	}
	if len(slots) != n {
		t.Fatalf("slots %v are not one a client", slots)
	}
	if r := w.refusal(c, Ask{Topics: "menu"}); r.Fault.Code != event.ShuttingDown || r.RetryAfter == "" {
		t.Errorf("a new feed: got %v, Retry-After %q; want shutting_down", r, r.RetryAfter)
	}
	at := w.happen(put(event.Menu, "latte", 1))
	for i, s := range streams {
		untilAt(t, s, followers[i], at)
	}
	w.leaveInSlots(start, streams, slots)
	c.Close()
	<-w.done
	if took := time.Since(start); took > w.server.DrainBudget() {
		t.Errorf("the drain took %v, its budget is %v", took, w.server.DrainBudget())
	}
	w.closedFor(transport.Drained, n)
}

// leaveInSlots waits for the end of every stream in the order of slots, the
// last of which is the end of the window.
func (w *world) leaveInSlots(start time.Time, streams []Stream, slots map[time.Duration]int) {
	w.t.Helper()
	var order []time.Duration
	for slot := range slots {
		order = append(order, slot)
	}
	slices.Sort(order)
	for i, slot := range order {
		if want := time.Duration(i+1) * time.Second; slot != want {
			w.t.Errorf("slot %d is at %v, want %v", i, slot, want)
		}
		ends(w.t, streams[slots[slot]])
		if took := time.Since(start); took != slot {
			w.t.Errorf("the feed with slot %v ended after %v", slot, took)
		}
	}
}

// drainDespiteStalled: clients that take nothing cannot hold the hub up.
func drainDespiteStalled(t *testing.T, way Way) {
	w := newWorld(t, way, setup{pipes: true, server: transport.ServerConfig{DrainWindow: time.Second}})
	c := w.client()
	for range 3 {
		untilLive(t, w.follow(c, Ask{Topics: "menu"}), newFollower(event.Menu))
	}
	w.pace.Store(stuck)
	for round := range 5 {
		w.happen(bulk(event.Menu, 40, 1<<10, round)...)
	}
	start := time.Now()
	w.stop()
	<-w.done
	if took := time.Since(start); took > w.server.DrainBudget() {
		t.Errorf("the drain took %v, its budget is %v", took, w.server.DrainBudget())
	}
	if open := w.feed.Stats()[way.name()].Open; open != 0 {
		t.Errorf("%d feeds are left", open)
	}
}
