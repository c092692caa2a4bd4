package cafe

import (
	"fmt"
	"strings"
	"testing"

	"everything.local/event"
)

func TestForgettingShowsSomeone(t *testing.T) {
	w := newCafe(t)
	open := w.order(ada, "latte")
	done := w.place(ada, PlaceOrder{Note: "only a note", Items: one("mocha")})
	w.steps(done, Accept, Start, Ready, Pickup)
	bare := w.place(ada, PlaceOrder{Items: one("latte")})
	other := w.order(grace, "latte")
	seq := w.must(ForgetCustomer{Customer: ada.ID, Key: "k1"}, boss)

	for id, want := range map[string]string{open: someone, done: someone, bare: "", other: "Ada Lovelace"} {
		o, _ := w.s.Order(id)
		if o.Name != want || (id != other && o.Note != "") || o.Total.Amount == 0 {
			t.Errorf("the order is %+v, want the name %q", o, want)
		}
		e := w.topics[entryKey{event.OrdersOf(o.Customer), id}]
		if (e.Seq == seq) != (id != other) || string(e.Value) != string(encode(o)) {
			t.Errorf("its entry is %d %s", e.Seq, e.Value)
		}
	}
	if line, _ := w.boardLine(1); line.Name != someone {
		t.Errorf("the board shows %+v", line)
	}
	for k, e := range w.topics {
		own, _ := k.topic.Customer()
		if own == ada.ID && (strings.Contains(string(e.Value), "Lovelace") || strings.Contains(string(e.Value), "only a note")) {
			t.Errorf("%v still has %s", k, e.Value)
		}
	}
	if n := strings.Count(w.snapshot(), "Lovelace"); n != 1 {
		t.Errorf("the snapshot has the name %d times, want Grace's only", n)
	}

	again := w.order(ada, "latte")
	if o, _ := w.s.Order(again); o.Name != "Ada Lovelace" {
		t.Errorf("ordered after the forgetting: %+v", o)
	}
	w.must(ForgetCustomer{Customer: ada.ID}, ada)
	if o, _ := w.s.Order(again); o.Name != someone {
		t.Errorf("forgotten again: %+v", o)
	}
}

func TestForgettingIsRefused(t *testing.T) {
	w := newCafe(t)
	w.refused(ForgetCustomer{Customer: ada.ID}, grace, event.NotFound, "")
	w.refused(ForgetCustomer{Customer: ""}, boss, event.NotFound, "")
	w.refused(ForgetCustomer{Customer: "log.>"}, boss, event.NotFound, "")
	w.must(ForgetCustomer{Customer: "nobody"}, boss)
}

// A forgotten customer costs little, and can be forgotten again for ever.
func TestForgettingCommandsAreBounded(t *testing.T) {
	s := New()
	for i := range forgottenKept + 1 {
		id := fmt.Sprint("guest", i)
		e := event.Event{
			Type: typeCustomerForgotten, Version: 1, Seq: uint64(i + 1),
			Command: event.Command{ID: id}, Subject: known(event.KindCustomer, id),
			Data: encode(customerForgottenV1{Customer: id}),
		}
		if _, err := s.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]bool{"guest0": false, "guest1": true, fmt.Sprint("guest", forgottenKept): true} {
		sub := known(event.KindCustomer, id)
		if _, found, _ := s.Answered(sub, event.Command{ID: id}); found != want {
			t.Errorf("the command of %s is remembered: %v", id, found)
		}
		writes, err := Decide(s, ForgetCustomer{Customer: id}, Meta{By: clock})
		if err != nil || writes[0].Expected == 0 {
			t.Errorf("%s cannot be forgotten again: %v, %v", id, writes, err)
		}
	}
}
