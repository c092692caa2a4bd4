package cafe

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"everything.local/event"
)

func TestUnknownEventsNeedAnUpgrade(t *testing.T) {
	w := newCafe(t)
	w.order(ada, "latte")
	was := w.snapshot()
	for _, e := range []event.Event{
		{Type: "order.teleported", Version: 1},
		{Type: typeOrderPlaced, Version: 2},
		{Type: typeOrderPlaced, Version: 0},
	} {
		e.Seq, e.Time, e.Subject = w.s.Seq()+1, w.now, event.Subject{Kind: event.KindOrder, ID: "x"}
		entries, err := w.s.Apply(e)
		if !errors.Is(err, ErrUpgradeNeeded) || errors.Is(err, event.ErrDamaged) || entries != nil {
			t.Errorf("%s version %d: %v, %v", e.Type, e.Version, entries, err)
		}
	}
	if w.snapshot() != was {
		t.Error("the state has changed")
	}
}

// What Decide cannot have written is damage, and changes nothing.
func TestEventsThatDoNotFitAreDamage(t *testing.T) {
	w := newCafe(t)
	id := w.order(ada, "latte")
	order := event.Subject{Kind: event.KindOrder, ID: id}
	fresh := event.Subject{Kind: event.KindOrder, ID: "fresh"}
	good := string(w.log[len(w.log)-1].Data)
	was := w.snapshot()
	next := w.s.Seq() + 1
	for _, test := range []struct {
		what string
		e    event.Event
	}{
		{"not the next", event.Event{Type: typeOrderAccepted, Subject: order, Seq: next - 1, Data: json.RawMessage(`{}`)}},
		{"another kind", event.Event{Type: typeOrderAccepted, Subject: itemSubject("latte"), Seq: next, Data: json.RawMessage(`{}`)}},
		{"no subject", event.Event{Type: typeOrderAccepted, Seq: next, Data: json.RawMessage(`{}`)}},
		{"no data", event.Event{Type: typeOrderAccepted, Subject: order, Seq: next}},
		{"a list", event.Event{Type: typeOrderAccepted, Subject: order, Seq: next, Data: json.RawMessage(`[]`)}},
		{"a step too far", event.Event{Type: typeOrderPickedUp, Subject: order, Seq: next, Data: json.RawMessage(`{}`)}},
		{"no order", event.Event{Type: typeOrderAccepted, Subject: fresh, Seq: next, Data: json.RawMessage(`{}`)}},
		{"placed twice", event.Event{Type: typeOrderPlaced, Subject: order, Seq: next, Data: json.RawMessage(good)}},
		{"no lines", event.Event{Type: typeOrderPlaced, Subject: fresh, Seq: next, Data: json.RawMessage(`{"customer":"a","accept_by":"2026-03-02T07:05:00.000Z"}`)}},
		{"no customer", event.Event{Type: typeOrderPlaced, Subject: fresh, Seq: next, Data: json.RawMessage(strings.Replace(good, ada.ID, "A/B", 1))}},
		{"a bad quantity", event.Event{Type: typeOrderPlaced, Subject: fresh, Seq: next, Data: json.RawMessage(strings.Replace(good, `"quantity":1`, `"quantity":-1`, 1))}},
		{"a bad time", event.Event{Type: typeOrderPlaced, Subject: fresh, Seq: next, Data: json.RawMessage(strings.Replace(good, `2026`, `20x6`, 1))}},
		{"bad personal fields", event.Event{Type: typeOrderPlaced, Subject: fresh, Seq: next, Data: json.RawMessage(good), Personal: json.RawMessage(`7`)}},
		{"another's item", event.Event{Type: typeItemRetired, Subject: itemSubject("mocha"), Seq: next, Data: json.RawMessage(`{"item":"latte"}`)}},
		{"no item", event.Event{Type: typeItemRetired, Subject: itemSubject("x"), Seq: next, Data: json.RawMessage(`{"item":"x"}`)}},
		{"another customer", event.Event{Type: typeCustomerForgotten, Subject: known(event.KindCustomer, "x"), Seq: next, Data: json.RawMessage(`{"customer":"y"}`)}},
		{"no announcement", event.Event{Type: typeAnnouncementEnded, Subject: known(event.KindAnnouncement, "x"), Seq: next, Data: json.RawMessage(`{}`)}},
		{"no epoch", event.Event{Type: typeSiteOpened, Subject: known(event.KindSite, "site"), Seq: next, Data: json.RawMessage(`{}`)}},
	} {
		test.e.Version, test.e.Time = 1, w.now
		entries, err := w.s.Apply(test.e)
		if !errors.Is(err, event.ErrDamaged) || errors.Is(err, ErrUpgradeNeeded) || entries != nil {
			t.Errorf("%s: %v, %v", test.what, entries, err)
		}
		if w.snapshot() != was {
			t.Fatalf("%s changes the state", test.what)
		}
	}
}

// The value of an entry is what a REST answer holds, byte for byte, also when
// the answer is made of the raw value.
func TestEntriesAreTheViewsBytes(t *testing.T) {
	w := newCafe(t)
	id := w.place(ada, PlaceOrder{Name: "<Ada> & \u00e9 \"co\"", Items: one("latte")})
	type answer[T any] struct {
		Order T `json:"order"`
	}
	o, _ := w.s.Order(id)
	value := w.topics[entryKey{event.OrdersOf(ada.ID), id}].Value
	fromView, _ := json.Marshal(answer[Order]{o})
	fromRaw, _ := json.Marshal(answer[json.RawMessage]{value})
	if string(fromView) != string(fromRaw) || !strings.Contains(string(fromView), string(value)) {
		t.Errorf("the view is answered as\n%s\nthe entry as\n%s", fromView, fromRaw)
	}
	if back := decode[Order](t, string(value)); back.Name != o.Name {
		t.Errorf("the name reads back as %q", back.Name)
	}
}
