package auth

import (
	"slices"
	"strings"

	"everything.local/event"
)

// Action is something a caller may ask the hub to do.
type Action string

// The actions.
const (
	PlaceOrder      Action = "order.place"
	CancelOrder     Action = "order.cancel"
	WorkOrder       Action = "order.work" // accept, decline, start, ready, pickup
	EditMenu        Action = "menu.edit"
	SetAvailability Action = "menu.availability"
	Announce        Action = "announce"
	PairScreen      Action = "pair"
	ForgetCustomer  Action = "forget"
	ReadMetrics     Action = "metrics"
)

// rule is one line of the policy. Whoever stands in neither list may not.
type rule struct {
	// any may, whatever it is about.
	any []Role
	// own may when it is about their own orders or person.
	own []Role
	// what completes the sentence "a barista may …".
	what string
}

var (
	everyone = []Role{Anonymous, Customer, Barista, Admin, Display}
	nobody   = []Role{}
)

// mayDo is who may do what. Staff order for whoever has no phone; a screen on a
// wall, which anybody can walk up to, may do nothing at all.
var mayDo = map[Action]rule{
	PlaceOrder:      {any: []Role{Customer, Barista, Admin}, what: "order"},
	CancelOrder:     {any: []Role{Barista, Admin}, own: []Role{Customer}, what: "cancel orders"},
	WorkOrder:       {any: []Role{Barista, Admin}, what: "work on orders"},
	EditMenu:        {any: []Role{Admin}, what: "change the menu"},
	SetAvailability: {any: []Role{Barista, Admin}, what: "say what is sold out"},
	Announce:        {any: []Role{Barista, Admin}, what: "make announcements"},
	PairScreen:      {any: []Role{Barista, Admin}, what: "approve screens"},
	ForgetCustomer:  {any: []Role{Admin}, own: []Role{Customer}, what: "have a customer forgotten"},
	ReadMetrics:     {any: []Role{Admin}, what: "read the metrics"},
}

// maySee is who may follow what. Staff see any customer's orders, which are on
// their tickets anyway.
var maySee = map[event.Topic]rule{
	event.Menu:          {any: everyone, what: "follow the menu"},
	event.Announcements: {any: everyone, what: "follow the announcements"},
	event.Board:         {any: everyone, what: "follow the board"},
	event.Kitchen:       {any: []Role{Barista, Admin, Display}, what: "follow the kitchen"},
	event.Timers:        {any: nobody, what: "follow the hub's timers"},
}

var maySeeOrders = rule{any: []Role{Barista, Admin}, own: []Role{Customer}, what: "follow these orders"}

// MaySee returns nil if the caller may follow the topic, else an *event.Error
// with code Unauthenticated, TokenExpired or BadToken (say who you are, again)
// or Forbidden.
func (i Identity) MaySee(t event.Topic) error {
	if customer, ok := t.Customer(); ok {
		return i.check(maySeeOrders, i.owns(customer))
	}
	r, ok := maySee[t]
	if !ok {
		r = rule{what: "follow this topic"}
	}
	return i.check(r, false)
}

// May returns nil if the caller may do a to something, though perhaps only to
// what is their own: where that can be, MayTo decides. Errors are those of
// MaySee.
func (i Identity) May(a Action) error { return i.do(a, true) }

// MayTo returns nil if the caller may do a to what belongs to customer, an id
// as in Identity.Customer. Errors are those of MaySee.
func (i Identity) MayTo(a Action, customer string) error { return i.do(a, i.owns(customer)) }

func (i Identity) do(a Action, own bool) error {
	if i.FeedOnly {
		return event.Errorf(event.Forbidden, "a feed ticket opens feeds and nothing else; send the token itself, or sign in")
	}
	r, ok := mayDo[a]
	if !ok {
		r = rule{what: "do this"}
	}
	return i.check(r, own)
}

func (i Identity) owns(customer string) bool { return customer != "" && customer == i.Customer }

// check applies a rule; own says whether it is about the caller's own.
func (i Identity) check(r rule, own bool) error {
	if slices.Contains(r.any, i.Role) || own && slices.Contains(r.own, i.Role) {
		return nil
	}
	if i.Role == Anonymous && len(r.any)+len(r.own) > 0 {
		return i.unknown(r.what)
	}
	if slices.Contains(r.own, i.Role) {
		return event.Errorf(event.Forbidden, "a %s may %s only if they are their own", i.Role, r.what)
	}
	if len(r.any) == 0 {
		return event.Errorf(event.Forbidden, "nobody may %s", r.what)
	}
	return event.Errorf(event.Forbidden, "a %s may not %s; ask somebody who is %s", i.title(), r.what, oneOf(r.any))
}

// unknown tells an anonymous caller that this needs a caller.
func (i Identity) unknown(what string) error {
	if i.lapsed != nil {
		return i.lapsed
	}
	return event.Errorf(event.Unauthenticated, "say who you are to %s: sign in, or send a token in the Authorization header", what)
}

func (i Identity) title() Role {
	if i.Role == Anonymous {
		return "visitor"
	}
	return i.Role
}

// oneOf writes roles as a person would: "barista or admin".
func oneOf(roles []Role) string {
	var s strings.Builder
	for n, r := range roles {
		switch {
		case n == 0:
		case n == len(roles)-1:
			s.WriteString(" or ")
		default:
			s.WriteString(", ")
		}
		s.WriteString(string(r))
	}
	return s.String()
}
