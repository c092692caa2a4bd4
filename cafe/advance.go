package cafe

import (
	"slices"

	"everything.local/event"
)

type (
	orderAcceptedV1 struct{}
	orderDeclinedV1 struct {
		Reason string `json:"reason"`
	}
	orderStartedV1 struct{}
	orderReadiedV1 struct {
		PickupBy string `json:"pickup_by"`
	}
	orderPickedUpV1  struct{}
	orderCancelledV1 struct {
		Reason string `json:"reason"`
	}
)

// rule is what a step needs and how a refusal calls it.
type rule struct {
	from []Status
	done string
}

// rules are the steps that callers may take. The clock takes two more, see
// elapse.
var rules = map[Step]rule{
	Accept:  {[]Status{Placed}, "accepted"},
	Decline: {[]Status{Placed, Accepted}, "declined"},
	Start:   {[]Status{Accepted}, "started"},
	Ready:   {[]Status{Preparing}, "called ready"},
	Pickup:  {[]Status{IsReady}, "picked up"},
	Cancel:  {[]Status{Placed, Accepted}, "cancelled"},
}

func (d decision) advance(c Advance) ([]event.Write, error) {
	r, ok := rules[c.Step]
	if !ok {
		return nil, event.Errorf(event.Invalid, "%s is not a step; there are accept, decline, start, ready, pickup and cancel", event.Quote(string(c.Step))).At("step")
	}
	o, ok := d.s.orders[c.Order]
	if !ok || (!d.m.By.isStaff() && o.view.Customer != d.m.By.ID) {
		return nil, d.missing(c.Order)
	}
	switch {
	case !d.m.By.isStaff() && c.Step != Cancel:
		return nil, event.Errorf(event.Forbidden, "only staff can do this; you can cancel an order until it is started")
	case !slices.Contains(r.from, o.view.Status):
		return nil, event.Errorf(event.IllegalTransition, "order %d is %s, so it cannot be %s", o.view.Number, o.view.Status.words(), r.done)
	case c.Step != Decline && c.Reason != "",
		c.Reason != "" && !slices.Contains([]string{OutOfStock, Closing, Other}, c.Reason):
		return nil, event.Errorf(event.Invalid, "the reason is for declining, one of sold_out, closing and other").At("reason")
	}
	typ, data := d.step(c)
	return d.write(Subject(c, d.m), typ, data), nil
}

// step returns the event of a step.
func (d decision) step(c Advance) (typ string, data any) {
	switch c.Step {
	case Accept:
		return typeOrderAccepted, orderAcceptedV1{}
	case Decline:
		reason := c.Reason
		if reason == "" {
			reason = Other
		}
		return typeOrderDeclined, orderDeclinedV1{reason}
	case Start:
		return typeOrderStarted, orderStartedV1{}
	case Ready:
		return typeOrderReadied, orderReadiedV1{after(d.at, d.m.Policy.PickupWithin, defaultPickupWithin)}
	case Pickup:
		return typeOrderPickedUp, orderPickedUpV1{}
	default:
		return typeOrderCancelled, orderCancelledV1{ByCustomer}
	}
}

// words is the status in a sentence.
func (s Status) words() string {
	switch s {
	case Placed:
		return "waiting to be accepted"
	case Preparing:
		return "being made"
	case PickedUp:
		return "picked up"
	default:
		return string(s)
	}
}

func (s *State) orderAccepted(c *changes, e event.Event, _ orderAcceptedV1) error {
	o, err := s.orderIn(e, Placed)
	if err == nil {
		s.move(c, o, Accepted)
	}
	return err
}

func (s *State) orderDeclined(c *changes, e event.Event, data orderDeclinedV1) error {
	o, err := s.orderIn(e, Placed, Accepted)
	if err == nil {
		o.view.Reason = data.Reason
		s.move(c, o, Declined)
	}
	return err
}

func (s *State) orderStarted(c *changes, e event.Event, _ orderStartedV1) error {
	o, err := s.orderIn(e, Accepted)
	if err == nil {
		s.move(c, o, Preparing)
	}
	return err
}

func (s *State) orderReadied(c *changes, e event.Event, data orderReadiedV1) error {
	by, err := event.ParseTime(data.PickupBy)
	if err != nil {
		return err
	}
	o, err := s.orderIn(e, Preparing)
	if err == nil {
		o.view.PickupBy = event.FormatTime(by)
		s.move(c, o, IsReady)
	}
	return err
}

func (s *State) orderPickedUp(c *changes, e event.Event, _ orderPickedUpV1) error {
	o, err := s.orderIn(e, IsReady)
	if err == nil {
		s.move(c, o, PickedUp)
	}
	return err
}

func (s *State) orderCancelled(c *changes, e event.Event, data orderCancelledV1) error {
	from := []Status{Placed, Accepted}
	switch data.Reason {
	case NotAccepted:
		from = []Status{Placed}
	case NotPickedUp:
		from = []Status{IsReady}
	}
	o, err := s.orderIn(e, from...)
	if err == nil {
		o.view.Reason = data.Reason
		s.move(c, o, Cancelled)
	}
	return err
}

// orderIn returns the order of an event that needs it in one of the statuses.
func (s *State) orderIn(e event.Event, in ...Status) (*order, error) {
	o, ok := s.orders[e.Subject.ID]
	if !ok || !slices.Contains(in, o.view.Status) {
		return nil, errState
	}
	return o, nil
}
