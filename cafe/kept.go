package cafe

import (
	"slices"

	"everything.local/event"
)

const (
	// keptOrders is how many of a customer's newest orders are kept; open ones
	// are whatever their age.
	keptOrders = 20
	// maxClosed bounds the ended orders that are kept of all customers
	// together: two weeks of a busy café, and guests who never come back do
	// not fill the memory of a small computer.
	maxClosed = 4096
	// maxOpen bounds the open orders: far more than any kitchen works off.
	maxOpen = 10_000
	// maxOpenOfCustomer bounds those of one customer, staff aside: more than a
	// large table wants, and as much as one guest's joke may cost the kitchen.
	maxOpenOfCustomer = 40
	// maxArchived bounds the orders that are remembered by name only, to tell
	// one that is kept no longer from one that never was.
	maxArchived = 2048
)

// archived is an order that is kept no longer.
type archived struct {
	Order    string `json:"order"`
	Customer string `json:"customer"`
}

// trim holds the bounds: an order beyond them leaves its customer's topic and
// the state. It has ended, so it is in no other topic.
func (s *State) trim(c *changes, customer string) {
	ids := s.customers[customer]
	for _, id := range slices.Clone(ids[:max(0, len(ids)-keptOrders)]) {
		if !s.orders[id].view.Status.Open() {
			s.evict(c, id)
		}
	}
	if len(s.closed) > maxClosed {
		s.evict(c, s.closed[0])
	}
}

func (s *State) evict(c *changes, id string) {
	customer := s.orders[id].view.Customer
	is := func(other string) bool { return other == id }
	c.gone(event.OrdersOf(customer), id)
	delete(s.orders, id)
	delete(s.aggregates, event.Subject{Kind: event.KindOrder, ID: id})
	s.closed = slices.DeleteFunc(s.closed, is)
	s.customers[customer] = slices.DeleteFunc(s.customers[customer], is)
	if len(s.customers[customer]) == 0 {
		delete(s.customers, customer)
	}
	s.archive = append(s.archive, archived{id, customer})
	s.archive = slices.Delete(s.archive, 0, max(0, len(s.archive)-maxArchived))
}

// openOf counts a customer's open orders.
func (s *State) openOf(customer string) int {
	n := 0
	for _, id := range s.customers[customer] {
		if s.orders[id].view.Status.Open() {
			n++
		}
	}
	return n
}

// missing says why an order is not there, as far as the caller may know.
func (d decision) missing(id string) error {
	i := slices.IndexFunc(d.s.archive, func(a archived) bool { return a.Order == id })
	if i >= 0 && (d.m.By.isStaff() || d.s.archive[i].Customer == d.m.By.ID) {
		return event.Errorf(event.Archived, "this order has ended and is kept here no longer; see the reports")
	}
	return event.Errorf(event.NotFound, "there is no order %s; check the address", event.Quote(id))
}
