package auth

import (
	"bytes"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"everything.local/event"
)

func TestPolicy(t *testing.T) {
	ada, eve := identify(Customer, "ada"), identify(Customer, "eve")
	bob, admin, screen := identify(Barista, "bob"), identify(Admin, "root"), identify(Display, "tv")
	callers := []struct {
		who Identity
		// may is what the caller may do and see, others are refused with code.
		may  string
		code event.Code
	}{
		{Identity{}, "menu announcements board", event.Unauthenticated},
		{ada, "menu announcements board orders/ada order.place", event.Forbidden},
		{eve, "menu announcements board order.place", event.Forbidden},
		{bob, "menu announcements board kitchen orders/ada order.place order.cancel order.work menu.availability announce pair", event.Forbidden},
		{admin, "menu announcements board kitchen orders/ada order.place order.cancel order.work menu.edit menu.availability announce pair forget metrics", event.Forbidden},
		{screen, "menu announcements board kitchen", event.Forbidden},
	}
	topics := map[string]event.Topic{
		"menu": event.Menu, "announcements": event.Announcements, "board": event.Board, "kitchen": event.Kitchen,
		"orders/ada": event.OrdersOf(ada.Customer), "orders/": event.OrdersOf(""), "timers": event.Timers, "new": "new",
	}
	for _, c := range callers {
		may := map[string]bool{}
		for what := range strings.FieldsSeq(c.may) {
			may[what] = true
		}
		// Staff may follow whatever a customer's topic is called.
		may["orders/"] = may["orders/ada"] && c.who.Role != Customer
		verdict := func(what string, err error) {
			t.Helper()
			want := c.code
			if want == event.Unauthenticated && (what == "timers" || what == "new" || what == "unknown") {
				want = event.Forbidden // being somebody would not help
			}
			if may[what] {
				want = ""
			}
			if got := event.CodeOf(err); got != want {
				t.Errorf("%q and %s: error %v, want code %q", c.who.Role, what, err, want)
			}
		}
		for name, topic := range topics {
			verdict(name, c.who.MaySee(topic))
		}
		for action := range maps.Keys(mayDo) {
			verdict(string(action), c.who.MayTo(action, "somebodyelse"))
		}
		verdict("unknown", c.who.May("unknown"))
	}
}

func TestOwnOrders(t *testing.T) {
	ada := identify(Customer, "ada")
	for _, a := range []Action{CancelOrder, ForgetCustomer} {
		if err := ada.May(a); err != nil {
			t.Errorf("%s in general: %v", a, err)
		}
		if err := ada.MayTo(a, ada.Customer); err != nil {
			t.Errorf("%s of her own: %v", a, err)
		}
		if err := ada.MayTo(a, identify(Customer, "eve").Customer); event.CodeOf(err) != event.Forbidden {
			t.Errorf("%s of somebody else's: error %v, want forbidden", a, err)
		}
		if err := ada.MayTo(a, ""); event.CodeOf(err) != event.Forbidden {
			t.Errorf("%s of nobody's: error %v, want forbidden", a, err)
		}
	}
	// Nobody's is not the own of those who have none.
	if err := identify(Display, "tv").MayTo(CancelOrder, ""); event.CodeOf(err) != event.Forbidden {
		t.Errorf("a screen: error %v, want forbidden", err)
	}
}

func TestTicketsDoNothingElse(t *testing.T) {
	i := identify(Admin, "root")
	i.FeedOnly = true
	for a := range mayDo {
		if err := i.May(a); event.CodeOf(err) != event.Forbidden {
			t.Errorf("%s with a ticket: error %v, want forbidden", a, err)
		}
	}
	if err := i.MaySee(event.Kitchen); err != nil {
		t.Errorf("the kitchen with an admin's ticket: %v", err)
	}
}

func TestIdentityKeepsNamesOutOfLogs(t *testing.T) {
	i := identify(Customer, "ada@home")
	i.Name = "Ada Lovelace"
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info("hello", "caller", i)
	if s := b.String(); strings.Contains(s, "Ada") || strings.Contains(s, "ada@home") || !strings.Contains(s, i.ID) {
		t.Errorf("logged %s", s)
	}
}
