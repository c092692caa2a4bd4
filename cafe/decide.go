package cafe

import (
	"encoding/json"
	"time"

	"everything.local/event"
)

// Decide returns the events that a command leads to in a state, for the log to
// append, each guarded by its own subject as the state knows it. It changes
// nothing. No events and no error mean that there is nothing to do, as for a
// timer that was overtaken. A refusal is an *event.Error for the caller; its
// Field is a path into the command's JSON.
//
// Decide is for commands that are not answered yet: ask Answered first. Which
// role may give which command is checked before; Decide holds what belongs to
// whom.
func Decide(s *State, c Command, m Meta) ([]event.Write, error) {
	d := decision{s: s, m: m, at: later(s.now, m.Now)}
	switch c := c.(type) {
	case OpenSite:
		return d.openSite(c)
	case ImportMenu:
		return d.importMenu(c)
	case PutItem:
		return d.putItem(c)
	case RetireItem:
		return d.retireItem(c)
	case SetAvailability:
		return d.setAvailability(c)
	case PlaceOrder:
		return d.placeOrder(c)
	case Advance:
		return d.advance(c)
	case PostAnnouncement:
		return d.postAnnouncement(c)
	case WithdrawAnnouncement:
		return d.withdrawAnnouncement(c)
	case PairScreen:
		return d.pairScreen(c)
	case ForgetCustomer:
		return d.forgetCustomer(c)
	case Elapse:
		return d.elapse(c)
	}
	return nil, event.Errorf(event.Internal, "there is no rule for %T", c)
}

// Subject returns the aggregate that a command writes to. Ids of new ones
// follow from the command's id, so that a retry meets what the first try made.
// It is zero for a command about something that cannot exist.
func Subject(c Command, m Meta) event.Subject {
	switch c := c.(type) {
	case OpenSite:
		return event.Subject{Kind: event.KindSite, ID: "site"}
	case ImportMenu:
		return event.Subject{Kind: event.KindMenu, ID: "menu"}
	case PutItem:
		return itemSubject(c.Item.ID)
	case RetireItem:
		return itemSubject(c.Item)
	case SetAvailability:
		return itemSubject(c.Item)
	case PlaceOrder:
		return event.Subject{Kind: event.KindOrder, ID: event.DeriveID("order", m.Command.ID)}
	case Advance:
		return known(event.KindOrder, c.Order)
	case PostAnnouncement:
		return event.Subject{Kind: event.KindAnnouncement, ID: event.DeriveID("announcement", m.Command.ID)}
	case WithdrawAnnouncement:
		return known(event.KindAnnouncement, c.Announcement)
	case PairScreen:
		return event.Subject{Kind: event.KindScreen, ID: event.DeriveID("screen", m.Command.ID)}
	case ForgetCustomer:
		return known(event.KindCustomer, c.Customer)
	case Elapse:
		return c.Timer.subject()
	}
	return event.Subject{}
}

// known is the subject of something that callers name by its hub-made id.
func known(kind event.Kind, id string) event.Subject {
	if !event.ValidID(id) {
		return event.Subject{}
	}
	return event.Subject{Kind: kind, ID: id}
}

// decision is one call of Decide.
type decision struct {
	s *State
	m Meta
	// at is when what is decided happens.
	at time.Time
}

// write returns the one event of a decision. personal is nil when there is
// nothing to seal.
func (d decision) write(to event.Subject, typ string, data any) []event.Write {
	by := d.m.By.Role + "/" + d.m.By.ID
	if d.m.By.Role == "hub" {
		by = "hub"
	}
	return []event.Write{{
		Subject:  to,
		Expected: d.s.last(to),
		Event:    event.Event{Type: typ, Version: 1, Time: d.at, By: by, Data: encode(data)},
	}}
}

// seal adds personal fields of a customer to the one event of writes.
func seal(writes []event.Write, customer string, personal json.RawMessage) []event.Write {
	writes[0].Event.Customer = customer
	writes[0].Event.Personal = personal
	return writes
}

// isStaff reports whether the caller works here. The hub itself does.
func (c Caller) isStaff() bool {
	return c.Role == "barista" || c.Role == "admin" || c.Role == "hub"
}
