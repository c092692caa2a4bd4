package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"everything.local/auth"
	"everything.local/cafe"
	"everything.local/event"
)

const latte = `{"name":"Ada","items":[{"item":"latte","size":"large","quantity":2}],"note":"extra <hot>"}`

// An order is one JSON, whether REST shows it, a topic does or a view.
func TestOrderHasOneForm(t *testing.T) {
	s := newSite(t)
	ada := s.as(auth.Customer, "ada")
	placed := s.do("POST", "/v1/orders", latte, ada)
	if placed.status != http.StatusCreated {
		t.Fatalf("%d %s", placed.status, placed.body)
	}
	id := placed.order(t).ID
	if got, want := placed.header.Get("Location"), "/v1/orders/"+id; got != want {
		t.Errorf("Location is %q, want %q", got, want)
	}
	shown := s.do("GET", "/v1/orders/"+id, "", ada)
	var body struct {
		Order  json.RawMessage `json:"order"`
		Cursor string          `json:"cursor"`
	}
	if err := json.Unmarshal(shown.body, &body); err != nil {
		t.Fatal(err)
	}
	if shown.header.Get("Hub-Cursor") != body.Cursor || body.Cursor != s.follower.Cursor().String() {
		t.Errorf("cursor %q, Hub-Cursor %q, want %s", body.Cursor, shown.header.Get("Hub-Cursor"), s.follower.Cursor())
	}
	view, _ := s.follower.state.Order(id)
	want, err := json.Marshal(view)
	if err != nil {
		t.Fatal(err)
	}
	customer := event.DeriveID("customer", "ada")
	for what, got := range map[string][]byte{
		"GET":        body.Order,
		"own orders": s.follower.entries[event.OrdersOf(customer)][id].Value,
		"kitchen":    s.follower.entries[event.Kitchen][id].Value,
	} {
		if !bytes.Equal(got, want) {
			t.Errorf("%s has %s, the view is %s", what, got, want)
		}
	}
}

// Each step of an order's life is one request, and so is what refuses it.
func TestOrderLives(t *testing.T) {
	s := newSite(t)
	ada, bob := s.as(auth.Customer, "ada"), s.as(auth.Barista, "bob")
	path := "/v1/orders/" + s.do("POST", "/v1/orders", latte, ada).order(t).ID
	var got []cafe.Status
	for _, step := range []string{"accept", "start", "ready", "pickup"} {
		got = append(got, s.do("POST", path+"/"+step, "", bob).order(t).Status)
	}
	if diff := cmp.Diff([]cafe.Status{cafe.Accepted, cafe.Preparing, cafe.IsReady, cafe.PickedUp}, got); diff != "" {
		t.Error(diff)
	}
	if r := s.do("POST", path+"/cancel", "", ada); r.code() != event.IllegalTransition {
		t.Errorf("cancelled when picked up: %d %s", r.status, r.body)
	}
	second := "/v1/orders/" + s.do("POST", "/v1/orders", latte, ada).order(t).ID
	declined := s.do("POST", second+"/decline", `{"reason":"closing"}`, bob).order(t)
	if declined.Status != cafe.Declined || declined.Reason != "closing" {
		t.Errorf("declined: %+v", declined)
	}
	third := "/v1/orders/" + s.do("POST", "/v1/orders", latte, ada).order(t).ID
	if o := s.do("POST", third+"/cancel", "{}", ada).order(t); o.Status != cafe.Cancelled {
		t.Errorf("cancelled: %+v", o)
	}
}

// Customers list their own orders, newest first.
func TestListOrders(t *testing.T) {
	s := newSite(t)
	ada, eve := s.as(auth.Customer, "ada"), s.as(auth.Customer, "eve")
	first := s.do("POST", "/v1/orders", latte, ada).order(t).ID
	second := s.do("POST", "/v1/orders", latte, ada).order(t).ID
	third := s.do("POST", "/v1/orders", latte, ada).order(t).ID
	s.do("POST", "/v1/orders", latte, eve)
	s.do("POST", "/v1/orders/"+second+"/cancel", "", ada)
	for query, want := range map[string][]string{
		"":                   {third, second, first},
		"?open=true":         {third, first},
		"?open=true&limit=1": {third},
		"?limit=2":           {third, second},
	} {
		var body ordersAnswer
		r := s.do("GET", "/v1/orders"+query, "", ada)
		if err := json.Unmarshal(r.body, &body); err != nil || r.status != http.StatusOK {
			t.Fatalf("%s: %d %s: %v", query, r.status, r.body, err)
		}
		got := []string{}
		for _, o := range body.Orders {
			got = append(got, o.ID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", query, diff)
		}
	}
}
