package cafe

import (
	"testing"

	"everything.local/event"
)

func (w *world) left(item string) int32 {
	w.t.Helper()
	it, _ := w.s.Item(item)
	if it.Remaining == nil {
		w.t.Fatalf("%s is not counted", item)
	}
	return *it.Remaining
}

func TestStockCountsDown(t *testing.T) {
	w := newCafe(t)
	w.must(SetAvailability{Item: "croissant", Available: true, Remaining: new(int32(3))}, bob)
	seq := w.must(PlaceOrder{Items: []LineRequest{
		{Item: "croissant", Quantity: 1}, {Item: "latte", Quantity: 1}, {Item: "croissant", Options: []string{"butter"}, Quantity: 1},
	}}, ada)
	if e := w.topics[entryKey{event.Menu, "croissant"}]; e.Seq != seq || w.left("croissant") != 1 {
		t.Errorf("%d are left; the entry is %d %s", w.left("croissant"), e.Seq, e.Value)
	}
	w.order(ada, "croissant")
	it, _ := w.s.Item("croissant")
	if it.Available || *it.Remaining != 0 {
		t.Errorf("sold out: %+v", it)
	}
	w.refused(PlaceOrder{Items: one("croissant")}, ada, event.SoldOut, "items[0].item")
	w.must(SetAvailability{Item: "croissant", Available: true}, bob)
	w.order(ada, "croissant")
}

func TestStockComesBackUntilTheOrderIsBegun(t *testing.T) {
	for _, test := range []struct {
		name  string
		steps []Step
		back  bool
	}{
		{"declined", []Step{Decline}, true},
		{"accepted, declined", []Step{Accept, Decline}, true},
		{"cancelled", []Step{Cancel}, true},
		{"accepted, cancelled", []Step{Accept, Cancel}, true},
		{"picked up", []Step{Accept, Start, Ready, Pickup}, false},
	} {
		w := newCafe(t)
		w.must(SetAvailability{Item: "croissant", Available: true, Remaining: new(int32(1))}, bob)
		id := w.order(ada, "croissant")
		w.steps(id, test.steps...)
		it, _ := w.s.Item("croissant")
		if (*it.Remaining == 1) != test.back || it.Available != test.back {
			t.Errorf("%s: %d are left", test.name, *it.Remaining)
		}
	}
}

func TestStockComesBackToTheClock(t *testing.T) {
	w := newCafe(t)
	w.must(SetAvailability{Item: "croissant", Available: true, Remaining: new(int32(1))}, bob)
	w.order(ada, "croissant")
	w.now = w.now.Add(defaultAcceptWithin)
	w.must(Elapse{w.timers()[0]}, clock)
	if w.left("croissant") != 1 {
		t.Errorf("%d are left of an order that nobody accepted", w.left("croissant"))
	}
}

func TestWhatIsNotCountedAnyMoreIsNotGivenBack(t *testing.T) {
	w := newCafe(t)
	w.must(SetAvailability{Item: "croissant", Available: true, Remaining: new(int32(maxRemaining))}, bob)
	first, second, third := w.order(ada, "croissant"), w.order(ada, "croissant"), w.order(ada, "croissant")
	w.must(SetAvailability{Item: "croissant", Available: true}, bob)
	w.steps(first, Cancel)
	if it, _ := w.s.Item("croissant"); it.Remaining != nil {
		t.Errorf("it is counted again: %+v", it)
	}
	w.must(SetAvailability{Item: "croissant", Available: true, Remaining: new(int32(maxRemaining))}, bob)
	w.steps(second, Cancel)
	if w.left("croissant") != maxRemaining {
		t.Errorf("more are left than can be counted: %d", w.left("croissant"))
	}
	w.must(RetireItem{Item: "croissant"}, boss)
	w.steps(third, Cancel)
	if _, ok := w.s.Item("croissant"); ok {
		t.Error("a retired item came back")
	}
}

// Two hubs sell the last croissant at the same time: the log says who gets it.
func TestOversoldIsDeclinedByTheFold(t *testing.T) {
	w := newCafe(t)
	w.must(SetAvailability{Item: "croissant", Available: true, Remaining: new(int32(2))}, bob)
	order := PlaceOrder{Name: "Grace", Items: []LineRequest{{Item: "croissant", Quantity: 2}, {Item: "latte", Quantity: 1}}}
	m := w.meta(grace, "second")
	writes, err := Decide(w.s, order, m)
	if err != nil {
		t.Fatal(err)
	}
	w.must(PlaceOrder{Items: one("croissant")}, ada)
	w.append(order, m, writes[0])
	o, _ := w.s.Order(writes[0].Subject.ID)
	if o.Status != Declined || o.Reason != OutOfStock || o.Number != 2 || o.AcceptBy != "" || o.EndedAt != o.PlacedAt {
		t.Errorf("the oversold order is %+v", o)
	}
	if w.left("croissant") != 1 {
		t.Errorf("%d are left, the declined order must take none", w.left("croissant"))
	}
	for _, e := range w.changed[len(w.changed)-1] {
		if e.Topic != event.OrdersOf(grace.ID) {
			t.Errorf("the declined order shows in %s as %s", e.Topic, e.Value)
		}
	}
	w.refused(Advance{Order: o.ID, Step: Accept}, bob, event.IllegalTransition, "")

	// The same when it was taken off between the two.
	order = PlaceOrder{Items: one("mocha")}
	m = w.meta(grace, "third")
	if writes, err = Decide(w.s, order, m); err != nil {
		t.Fatal(err)
	}
	w.must(SetAvailability{Item: "mocha", Available: false}, bob)
	w.append(order, m, writes[0])
	if got := w.status(writes[0].Subject.ID); got != Declined {
		t.Errorf("ordered while it was taken off: %s", got)
	}
}
