package cafe

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"everything.local/event"
)

func TestOrderGoesThroughItsLife(t *testing.T) {
	w := newCafe(t)
	id := w.place(ada, PlaceOrder{
		Name:  " Ada Lovelace ",
		Items: []LineRequest{{Item: "latte", Size: "large", Options: []string{"oat-milk"}, Quantity: 1}},
		Note:  "extra <hot> & sweet",
	})
	if want := event.DeriveID("order", w.log[2].Command.ID); id != want {
		t.Errorf("the order's id is %s, want %s as it follows from the command", id, want)
	}
	eur := func(cents int32) Money { return Money{cents, "EUR"} }
	want := Order{
		ID: id, Number: 1, Status: Placed, Name: "Ada Lovelace", Note: "extra <hot> & sweet",
		Items: []Line{{
			Item: "latte", Name: "Latte", Quantity: 1, Unit: eur(480), Total: eur(480), MenuSeq: 2,
			Size: &LineChoice{ID: "large", Name: "Large"},
			Options: []LineChoice{
				{ID: "oat-milk", Name: "Oat milk"},
				{ID: "house-beans", Name: "House blend", Default: true},
			},
		}},
		Total: eur(480), Customer: ada.ID,
		PlacedAt: "2026-03-02T07:00:00.000Z", AcceptBy: "2026-03-02T07:05:00.000Z",
	}
	check := func() {
		t.Helper()
		got, _ := w.s.Order(id)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
	check()
	for _, step := range []struct {
		step   Step
		change func()
	}{
		{Accept, func() { want.Status, want.AcceptBy, want.AcceptedAt = Accepted, "", "2026-03-02T07:01:00.000Z" }},
		{Start, func() { want.Status, want.StartedAt = Preparing, "2026-03-02T07:02:00.000Z" }},
		{Ready, func() {
			want.Status, want.ReadyAt, want.PickupBy = IsReady, "2026-03-02T07:03:00.000Z", "2026-03-02T07:33:00.000Z"
		}},
		{Pickup, func() { want.Status, want.PickupBy, want.EndedAt = PickedUp, "", "2026-03-02T07:04:00.000Z" }},
	} {
		w.now = w.now.Add(time.Minute)
		w.steps(id, step.step)
		step.change()
		check()
	}
}

// Who sees what of an order, and that it leaves their sight with its end.
func TestOrderIsShownToThoseWhoMaySeeIt(t *testing.T) {
	w := newCafe(t)
	id := w.order(ada, "latte")
	o, _ := w.s.Order(id)
	value := string(encode(o))
	for _, topic := range []event.Topic{event.Kitchen, event.OrdersOf(ada.ID)} {
		if diff := cmp.Diff(map[string]string{id: value}, w.topics.live(topic)); diff != "" {
			t.Errorf("%s: %s", topic, diff)
		}
	}
	board := map[string]string{"1": `{"number":1,"name":"Ada","drink":"Latte","status":"placed","since":"2026-03-02T07:00:00.000Z"}`}
	if diff := cmp.Diff(board, w.topics.live(event.Board)); diff != "" {
		t.Error(diff)
	}
	w.steps(id, Accept, Start, Ready, Pickup)
	for _, topic := range []event.Topic{event.Kitchen, event.Board, event.Timers} {
		if left := w.topics.live(topic); len(left) > 0 {
			t.Errorf("%s still has %v", topic, left)
		}
	}
	if got := decode[Order](t, w.topics.live(event.OrdersOf(ada.ID))[id]); got.Status != PickedUp {
		t.Errorf("the customer sees %+v", got)
	}
}

// Every step from every status: it is taken or refused, never anything else.
func TestOnlyLegalStepsAreTaken(t *testing.T) {
	to := map[Status][]Step{
		Placed: {}, Accepted: {Accept}, Preparing: {Accept, Start}, IsReady: {Accept, Start, Ready},
		PickedUp: {Accept, Start, Ready, Pickup}, Declined: {Decline}, Cancelled: {Cancel},
	}
	legal := map[Status]map[Step]Status{
		Placed:    {Accept: Accepted, Decline: Declined, Cancel: Cancelled},
		Accepted:  {Start: Preparing, Decline: Declined, Cancel: Cancelled},
		Preparing: {Ready: IsReady},
		IsReady:   {Pickup: PickedUp},
	}
	for status, steps := range to {
		for _, step := range []Step{Accept, Decline, Start, Ready, Pickup, Cancel} {
			w := newCafe(t)
			id := w.order(ada, "latte")
			w.steps(id, steps...)
			want, ok := legal[status][step]
			if !ok {
				w.refused(Advance{Order: id, Step: step}, bob, event.IllegalTransition, "")
				want = status
			} else {
				w.must(Advance{Order: id, Step: step}, bob)
			}
			if got := w.status(id); got != want {
				t.Errorf("%s from %s leads to %s, want %s", step, status, got, want)
			}
		}
	}
}

func TestAdvanceIsRefused(t *testing.T) {
	w := newCafe(t)
	id := w.order(ada, "latte")
	w.refused(Advance{Order: id, Step: "burn"}, bob, event.Invalid, "step")
	w.refused(Advance{Order: "nosuchorder", Step: Accept}, bob, event.NotFound, "")
	w.refused(Advance{Order: "log.>", Step: Accept}, bob, event.NotFound, "")
	w.refused(Advance{Order: id, Step: Accept}, ada, event.Forbidden, "")
	w.refused(Advance{Order: id, Step: Accept, Reason: Other}, bob, event.Invalid, "reason")
	w.refused(Advance{Order: id, Step: Decline, Reason: "not_accepted"}, bob, event.Invalid, "reason")
	// A stranger learns the same of an order that exists and one that does not.
	for _, step := range []Step{Cancel, Accept} {
		_, exists := w.do(Advance{Order: id, Step: step}, grace)
		refusal(t, "another's order", exists, event.NotFound, "")
		_, not := w.do(Advance{Order: "nosuchorder", Step: step}, grace)
		refusal(t, "no order", not, event.NotFound, "")
	}
	w.must(Advance{Order: id, Step: Decline, Reason: Closing}, bob)
	if o, _ := w.s.Order(id); o.Reason != Closing {
		t.Errorf("declined for %q", o.Reason)
	}
	id = w.order(ada, "latte")
	w.must(Advance{Order: id, Step: Cancel}, ada)
	if o, _ := w.s.Order(id); o.Status != Cancelled || o.Reason != ByCustomer {
		t.Errorf("cancelled by the customer: %+v", o)
	}
}

func TestStaffPlaceWalkUpOrders(t *testing.T) {
	w := newCafe(t)
	id := w.order(bob, "espresso")
	if o, _ := w.s.Order(id); o.Customer != bob.ID {
		t.Errorf("the order is that of %s", o.Customer)
	}
	if got := slices.Collect(maps.Keys(w.topics.live(event.OrdersOf(bob.ID)))); !slices.Equal(got, []string{id}) {
		t.Errorf("orders/<bob> has %v", got)
	}
}

// The clocks of hubs differ; what is shown never runs backwards.
func TestTimeNeverRunsBackwards(t *testing.T) {
	w := newCafe(t)
	id := w.order(ada, "latte")
	w.now = opening.Add(-time.Hour)
	w.steps(id, Accept)
	if o, _ := w.s.Order(id); o.AcceptedAt != event.FormatTime(opening) {
		t.Errorf("placed at %s, accepted at %s", o.PlacedAt, o.AcceptedAt)
	}
	// An event that another hub wrote with a clock that was behind.
	e := w.log[len(w.log)-1]
	e.Type, e.Seq, e.Time = typeOrderStarted, e.Seq+1, opening.Add(-time.Hour)
	w.fold(e)
	if o, _ := w.s.Order(id); o.StartedAt != event.FormatTime(opening) {
		t.Errorf("accepted at %s, started at %s", o.AcceptedAt, o.StartedAt)
	}
}
