package cafe

import (
	"fmt"
	"testing"
	"time"

	"everything.local/event"
)

func TestOrderThatNobodyAcceptsIsCancelled(t *testing.T) {
	w := newCafe(t)
	id := w.order(ada, "latte")
	timer := w.timers()[0]
	want := Timer{ID: fmt.Sprintf("accept.%s.%d", id, w.s.Seq()), What: "accept", Of: id, Due: "2026-03-02T07:05:00.000Z"}
	if timer != want {
		t.Errorf("the timer is %+v, want %+v", timer, want)
	}
	w.now = w.now.Add(5*time.Minute - time.Millisecond)
	w.refused(Elapse{timer}, clock, event.Conflict, "") // never early
	w.now = w.now.Add(time.Millisecond)
	w.must(Elapse{timer}, clock)
	if o, _ := w.s.Order(id); o.Status != Cancelled || o.Reason != NotAccepted || len(w.timers()) > 0 {
		t.Errorf("the order is %+v, timers %v", o, w.timers())
	}
	w.nothing(Elapse{timer})
}

func TestOrderThatNobodyPicksUpIsCancelled(t *testing.T) {
	w := newCafe(t)
	id := w.order(ada, "latte")
	accept := w.timers()[0]
	w.steps(id, Accept)
	w.now = w.now.Add(time.Hour)
	w.nothing(Elapse{accept}) // it was accepted in time
	w.steps(id, Start, Ready)
	timer := w.timers()[0]
	if timer.What != "pickup" || timer.Due != "2026-03-02T08:30:00.000Z" || len(w.timers()) != 1 {
		t.Errorf("the timers are %+v", w.timers())
	}
	w.now = w.now.Add(30 * time.Minute)
	w.must(Elapse{timer}, clock)
	if o, _ := w.s.Order(id); o.Status != Cancelled || o.Reason != NotPickedUp || o.PickupBy != "" {
		t.Errorf("the order is %+v", o)
	}
}

func (w *world) nothing(c Command) {
	w.t.Helper()
	if seq, err := w.do(c, clock); seq != 0 || err != nil {
		w.t.Errorf("%+v leads to event %d, %v", c, seq, err)
	}
}

func TestTimersOfWhatIsNotThere(t *testing.T) {
	w := newCafe(t)
	id := w.order(ada, "latte")
	timer := w.timers()[0]
	w.now = w.now.Add(time.Hour)
	for _, other := range []Timer{
		{},
		{ID: timer.ID},
		{ID: timer.ID, What: "pickup", Of: "nosuchorder"},
		{ID: timer.ID, What: "announce", Of: id},
		{ID: "accept." + id + ".1", What: "accept", Of: id},
		{ID: "x.y.z", What: "accept", Of: id},
		{ID: timer.ID, What: "accept", Of: "log.>"},
	} {
		w.nothing(Elapse{other})
	}
	// This hub is behind: dropping the timer would lose it.
	ahead := newTimer("accept", "neworder", w.s.Seq()+1, timer.Due)
	w.refused(Elapse{ahead}, clock, event.Behind, "")
}

func TestPolicySetsTheTimes(t *testing.T) {
	w := newCafe(t)
	m := w.meta(ada, "policy")
	m.Policy = Policy{AcceptWithin: time.Minute, PickupWithin: time.Hour}
	if _, err := w.try(PlaceOrder{Items: one("latte")}, m); err != nil {
		t.Fatal(err)
	}
	if got := w.timers()[0].Due; got != "2026-03-02T07:01:00.000Z" {
		t.Errorf("accept by %s", got)
	}
	id := w.log[len(w.log)-1].Subject.ID
	w.steps(id, Accept, Start)
	m = w.meta(ada, "for ever")
	m.Policy = Policy{AcceptWithin: 1<<63 - 1}
	if _, err := w.try(PlaceOrder{Items: one("latte")}, m); err != nil {
		t.Fatal(err)
	}
	if o, _ := w.s.Order(w.log[len(w.log)-1].Subject.ID); o.AcceptBy != "2026-03-09T07:00:00.000Z" {
		t.Errorf("accept by %s", o.AcceptBy)
	}
	w.steps(w.log[len(w.log)-1].Subject.ID, Cancel)
	m = w.meta(bob, "ready")
	m.Policy = Policy{AcceptWithin: -time.Minute, PickupWithin: time.Hour}
	if _, err := w.try(Advance{Order: id, Step: Ready}, m); err != nil {
		t.Fatal(err)
	}
	if got := w.timers()[0].Due; got != "2026-03-02T08:00:00.000Z" {
		t.Errorf("pick up by %s", got)
	}
}
