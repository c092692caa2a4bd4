package cafe

import (
	"fmt"
	"testing"

	"everything.local/event"
)

func (w *world) ordersOf(c Caller) int { return len(w.topics.live(event.OrdersOf(c.ID))) }

func TestNewestTwentyOrdersAreKept(t *testing.T) {
	w := newCafe(t)
	var ids []string
	for range keptOrders + 2 {
		ids = append(ids, w.order(ada, "latte"))
	}
	if n := w.ordersOf(ada); n != keptOrders+2 {
		t.Errorf("%d open orders are kept", n)
	}
	w.steps(ids[5], Cancel) // ended, and among the newest twenty
	if n := w.ordersOf(ada); n != keptOrders+2 {
		t.Errorf("%d orders are kept", n)
	}
	seq := w.must(Advance{Order: ids[0], Step: Cancel}, ada) // ended, and not
	if e := w.topics[entryKey{event.OrdersOf(ada.ID), ids[0]}]; !e.Gone() || e.Seq != seq {
		t.Errorf("the entry is %d %s", e.Seq, e.Value)
	}
	if _, ok := w.s.Order(ids[0]); ok || w.ordersOf(ada) != keptOrders+1 {
		t.Errorf("the order is kept among %d", w.ordersOf(ada))
	}
	if list := w.s.Orders(ada.ID); len(list) != keptOrders+1 || list[0].ID != ids[len(ids)-1] {
		t.Errorf("the newest of %d is %s", len(list), list[0].ID)
	}

	for _, step := range []Step{Cancel, Accept} {
		w.refused(Advance{Order: ids[0], Step: step}, ada, event.Archived, "")
		w.refused(Advance{Order: ids[0], Step: step}, bob, event.Archived, "")
		w.refused(Advance{Order: ids[0], Step: step}, grace, event.NotFound, "")
	}
	sub := event.Subject{Kind: event.KindOrder, ID: ids[0]}
	if _, found, err := w.s.Answered(sub, w.log[2].Command); found || err != nil {
		t.Errorf("the archived order is answered: %v, %v", found, err)
	}
	_, err := w.try(PlaceOrder{Items: one("latte")}, Meta{Command: w.log[2].Command, By: ada, Now: w.now})
	refusal(t, "the retry of an archived order", err, event.Archived, "")
}

// All customers together have a bound too, so that guests who never come back
// do not add up.
func TestEndedOrdersAreBounded(t *testing.T) {
	s := New()
	fold := func(e event.Event) []event.Entry {
		t.Helper()
		e.Version, e.Time, e.Seq = 1, opening, s.Seq()+1
		entries, err := s.Apply(e)
		if err != nil {
			t.Fatal(err)
		}
		return entries
	}
	var last []event.Entry
	for i := range maxClosed + maxArchived + 1 {
		sub := event.Subject{Kind: event.KindOrder, ID: fmt.Sprint("order", i)}
		data := orderPlacedV1{
			Customer: fmt.Sprint("guest", i), Currency: "EUR", AcceptBy: event.FormatTime(opening),
			Items: []lineV1{{Item: "latte", Name: "Latte", Quantity: 1}},
		}
		fold(event.Event{Type: typeOrderPlaced, Subject: sub, Data: encode(data)})
		last = fold(event.Event{Type: typeOrderCancelled, Subject: sub, Data: encode(orderCancelledV1{ByCustomer})})
	}
	first := fmt.Sprint("order", maxArchived)
	var gone bool
	for _, e := range last {
		gone = gone || e.Key == first && e.Gone() && e.Topic == event.OrdersOf(fmt.Sprint("guest", maxArchived))
	}
	if !gone {
		t.Errorf("%s is not gone with %v", first, last)
	}
	if len(s.orders) != maxClosed || len(s.closed) != maxClosed || len(s.customers) != maxClosed || len(s.aggregates) != maxClosed {
		t.Errorf("kept are %d orders, %d of them ended, %d customers, %d aggregates", len(s.orders), len(s.closed), len(s.customers), len(s.aggregates))
	}
	if len(s.archive) != maxArchived || s.archive[0].Order != "order1" {
		t.Errorf("%d orders are archived, the first is %v", len(s.archive), s.archive[0])
	}
}

func TestOpenOrdersAreBounded(t *testing.T) {
	w := newCafe(t)
	for i := range maxOpen {
		w.s.orders[fmt.Sprint(i)] = nil
	}
	_, err := Decide(w.s, PlaceOrder{Items: one("latte")}, w.meta(ada, "one more"))
	refusal(t, "one more", err, event.TooManyRequests, "")
}

// TestOpenOrdersOfACustomerAreBounded holds that one guest cannot fill the
// kitchen, and that staff, who order for whoever has no phone, can.
func TestOpenOrdersOfACustomerAreBounded(t *testing.T) {
	w := newCafe(t)
	first := w.order(ada, "latte")
	for range maxOpenOfCustomer - 1 {
		w.order(ada, "latte")
	}
	for range maxOpenOfCustomer + 1 {
		w.order(bob, "latte")
	}
	w.refused(PlaceOrder{Items: one("latte")}, ada, event.TooManyRequests, "")
	w.order(grace, "latte")
	w.steps(first, Decline)
	w.order(ada, "latte")
}
