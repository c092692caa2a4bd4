package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"everything.local/auth"
	"everything.local/event"
)

// TestOrderCommand holds that a guest orders over whatever they say, and what
// they are told.
func TestOrderCommand(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	for _, version := range []string{"auto", "1.1", "2", "3"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			u := p.tool("order", "latte:large+oat-milk", "x2", "croissant", "--name", "Ada", "--note", "extra hot", "--http", version)
			if code := u.code(); code != 0 {
				t.Errorf("ended with %d", code)
			}
			u.says(u.out, `^Order \d+ for Ada: 2 Latte \(Large, Oat milk\), Croissant\. 12\.20 EUR\.\nPlaced\. The café has until \d\d:\d\d:\d\d to accept it\. hub watch board shows it\.\n$`)
		})
	}
}

// TestOrderWaits holds that hub order --wait tells of every step, over every
// way to follow, and how it ends.
func TestOrderWaits(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	barista := p.token(auth.Barista, "bob")
	for _, way := range toolWays {
		t.Run(way.wire+" over "+way.http, func(t *testing.T) {
			t.Parallel()
			u := p.tool("order", "latte", "--name", "Ada", "--wait", "--wire", way.wire, "--http", way.http)
			id := p.idOf(u)
			for _, step := range []struct{ path, says string }{
				{"accept", `Accepted\.`}, {"start", `Being made\.`}, {"ready", `Ready\. Pick it up by \d\d:\d\d:\d\d\.`}, {"pickup", `Picked up\. Enjoy!`},
			} {
				p.must(barista, http.MethodPost, "/v1/orders/"+id+"/"+step.path, "")
				u.says(u.out, step.says)
			}
			if code := u.code(); code != 0 {
				t.Errorf("ended with %d", code)
			}
			if n := strings.Count(u.out.String(), "\n"); n != 6 {
				t.Errorf("%d lines", n)
			}
		})
	}
}

// idOf finds in the kitchen the order that a tool has placed.
func (p *process) idOf(u *tool) string {
	p.t.Helper()
	number := u.says(u.out, `Order (\d+)|"number":(\d+)`)
	n := number[1] + number[2]
	orders := p.kitchen()
	i := slices.IndexFunc(orders, func(o kitchenOrder) bool { return fmt.Sprint(o.Number) == n })
	if i < 0 {
		u.t.Fatalf("order %s is not in the kitchen: %v", n, orders)
	}
	return orders[i].ID
}

type kitchenOrder struct {
	ID     string
	Number int
}

// kitchen is what the kitchen shows.
func (p *process) kitchen() (orders []kitchenOrder) {
	p.t.Helper()
	err := p.feed(p.t.Context(), p.token(auth.Display, "tv"), "topics=kitchen", func(f event.Frame) bool {
		if f.Value != nil {
			var o kitchenOrder
			if err := json.Unmarshal(f.Value, &o); err != nil {
				p.t.Error(err)
			}
			orders = append(orders, o)
		}
		return f.Live
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return orders
}

// TestOrderComesToNothing holds that a declined order is an error to scripts,
// and what --json prints of it.
func TestOrderComesToNothing(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	u := p.tool("order", "latte", "--wait", "--json", "--token-file", tokenFile(t, p.token(auth.Customer, "ada")))
	p.must(p.token(auth.Barista, "bob"), http.MethodPost, "/v1/orders/"+p.idOf(u)+"/decline", `{"reason":"closing"}`)
	if code := u.code(); code != 1 || !strings.Contains(u.err.String(), "comes to nothing: declined") {
		t.Errorf("ended with %d", code)
	}
	lines := strings.Split(strings.TrimSpace(u.out.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines", len(lines))
	}
	var answer struct {
		Order struct{ ID, Status string }
	}
	var frame struct {
		Key   string
		Value struct{ Status string }
	}
	if err := json.Unmarshal([]byte(lines[0]), &answer); err != nil {
		t.Error(err)
	}
	if err := json.Unmarshal([]byte(lines[1]), &frame); err != nil {
		t.Error(err)
	}
	if answer.Order.Status != "placed" || frame.Value.Status != "declined" || frame.Key != answer.Order.ID {
		t.Errorf("%+v, %+v", answer, frame)
	}
}

// TestOrderIsLeft holds that Ctrl-C leaves the order, and says so.
func TestOrderIsLeft(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	u := p.tool("order", "latte", "--name", "Ada", "--wait")
	u.says(u.err, "live: ")
	u.interrupt()
	if code := u.code(); code != 0 || !strings.Contains(u.err.String(), "Order 1 stands") {
		t.Errorf("ended with %d", code)
	}
	if orders := p.kitchen(); len(orders) != 1 {
		t.Errorf("%d orders", len(orders))
	}
}
