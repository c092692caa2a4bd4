package cafe

import (
	"time"

	"everything.local/event"
)

// What the house grants when Policy says nothing.
const (
	defaultAcceptWithin = 5 * time.Minute
	defaultPickupWithin = 30 * time.Minute
)

// Why an order was declined or cancelled.
const (
	// OutOfStock: something in it cannot be had.
	OutOfStock = "sold_out"
	// Closing: the house does not take more orders today.
	Closing = "closing"
	// Other: whatever staff tell the customer themselves.
	Other = "other"
	// ByCustomer: the customer, or staff for them, cancelled it.
	ByCustomer = "customer"
	// NotAccepted: nobody accepted it in time.
	NotAccepted = "not_accepted"
	// NotPickedUp: nobody fetched it in time.
	NotPickedUp = "not_picked_up"
)

// order is an order that is open or still kept.
type order struct {
	view Order
	// seq is the event that placed it.
	seq uint64
	// personal says that it was placed with personal fields, readable or not.
	personal bool
	// timerSet is the event that set the timer it waits for.
	timerSet uint64
	// taken is what it took of counted stock and would give back.
	taken []stock
}

// stock is an amount of a counted item.
type stock struct {
	Item     string `json:"item"`
	Quantity int32  `json:"quantity"`
}

// forget drops what only the customer's key could show. Which of the personal
// fields there were is not known to a hub that never had the key, so the
// result depends on none of them.
func (o *order) forget() {
	if o.personal {
		o.view.Name, o.view.Note = someone, ""
	}
}

// timer is what the clock waits for.
func (o *order) timer() Timer {
	switch o.view.Status {
	case Placed:
		return newTimer(timerAccept, o.view.ID, o.timerSet, o.view.AcceptBy)
	case IsReady:
		return newTimer(timerPickup, o.view.ID, o.timerSet, o.view.PickupBy)
	default:
		return Timer{}
	}
}

// since is when the order came to its status.
func (o *order) since() string {
	switch o.view.Status {
	case Placed:
		return o.view.PlacedAt
	case Accepted:
		return o.view.AcceptedAt
	case Preparing:
		return o.view.StartedAt
	case IsReady:
		return o.view.ReadyAt
	default:
		return o.view.EndedAt
	}
}

// show says what an order is now to everybody who may see it.
func (s *State) show(c *changes, o *order) {
	value := encode(o.view)
	c.set(event.OrdersOf(o.view.Customer), o.view.ID, value)
	if !o.view.Status.Open() {
		return
	}
	c.set(event.Kitchen, o.view.ID, value)
	s.showOnBoard(c, o)
}

// begin enters a new order into the books.
func (s *State) begin(c *changes, o *order) {
	id, customer := o.view.ID, o.view.Customer
	s.orders[id] = o
	s.customers[customer] = append(s.customers[customer], id)
	if o.view.Status.Open() {
		s.putOnBoard(o)
		o.timer().show(c)
	} else {
		s.closed = append(s.closed, id)
	}
	s.show(c, o)
	s.trim(c, customer)
}

// move takes an order to its next status. set fills in what else changes.
func (s *State) move(c *changes, o *order, to Status) {
	if t := o.timer(); t.ID != "" {
		c.gone(event.Timers, t.ID)
	}
	o.view.Status, o.view.AcceptBy, o.timerSet = to, "", 0
	switch to {
	case Accepted:
		o.view.AcceptedAt = c.time()
	case Preparing:
		o.view.StartedAt = c.time()
		o.taken = nil
	case IsReady:
		o.view.ReadyAt = c.time()
		o.timerSet = c.seq
		o.timer().show(c)
	default:
		o.view.EndedAt = c.time()
	}
	if to.Open() {
		s.show(c, o)
		return
	}
	o.view.PickupBy = ""
	s.end(c, o)
}

// end takes an order out of the kitchen and off the board.
func (s *State) end(c *changes, o *order) {
	s.giveBack(c, o)
	c.gone(event.Kitchen, o.view.ID)
	s.takeOffBoard(c, o)
	s.closed = append(s.closed, o.view.ID)
	s.show(c, o)
	s.trim(c, o.view.Customer)
}
