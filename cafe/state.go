package cafe

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"everything.local/event"
)

// State is the café as the log has it so far. It is not safe for concurrent
// use: whoever follows the log owns it and lets others read between events.
// What its methods return must not be written to.
type State struct {
	// seq is the newest event applied, now its time; now never runs backwards
	// even when clocks do.
	seq uint64
	now time.Time

	site site

	items map[string]*item
	// currency is that of the first item there ever was.
	currency string

	orders map[string]*order
	// placed counts the orders ever placed; numbers follow from it.
	placed uint64
	// customers has the ids of each customer's kept orders, oldest first.
	customers map[string][]string
	// board has the open orders under each number, the one shown last.
	board map[int32][]string
	// closed has the kept orders that have ended, longest ago first.
	closed []string
	// archive has the newest orders that are kept no longer.
	archive []archived

	announcements map[string]*announcement
	// ended has the newest announcements that are over, whose commands are
	// still remembered.
	ended []string

	// screens has the newest approvals, oldest first.
	screens []screen

	// aggregates has what is known of each subject in the log.
	aggregates map[event.Subject]*aggregate
	// forgotten has the customers whose forgetting commands are remembered,
	// longest ago first.
	forgotten []string
}

// New returns the state before the first event.
func New() *State {
	return &State{
		items:         map[string]*item{},
		orders:        map[string]*order{},
		customers:     map[string][]string{},
		board:         map[int32][]string{},
		announcements: map[string]*announcement{},
		aggregates:    map[event.Subject]*aggregate{},
	}
}

// Seq returns the sequence of the newest event applied, 0 before the first.
func (s *State) Seq() uint64 { return s.seq }

// Epoch returns the id of the log's life, "" before the site is opened.
func (s *State) Epoch() string { return s.site.Epoch }

// Site returns the site's name, "" before it is opened.
func (s *State) Site() string { return s.site.Site }

// Mode returns "live", "demo" or "test", "" before the site is opened.
func (s *State) Mode() string { return s.site.Mode }

// Currency returns what the site's prices are in.
func (s *State) Currency() string {
	if s.currency == "" {
		return defaultCurrency
	}
	return s.currency
}

// Order returns an order that is open or still kept. Its JSON is the value of
// its entry in orders/<customer>.
func (s *State) Order(id string) (Order, bool) {
	o, ok := s.orders[id]
	if !ok {
		return Order{}, false
	}
	return o.view, true
}

// Orders returns the kept orders of a customer, newest first.
func (s *State) Orders(customer string) []Order {
	ids := s.customers[customer]
	list := make([]Order, 0, len(ids))
	for _, id := range slices.Backward(ids) {
		list = append(list, s.orders[id].view)
	}
	return list
}

// Menu returns the items on the menu by position.
func (s *State) Menu() []Item {
	list := make([]Item, 0, len(s.items))
	for _, it := range s.items {
		list = append(list, it.view())
	}
	slices.SortFunc(list, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), strings.Compare(a.ID, b.ID))
	})
	return list
}

// Item returns an item on the menu.
func (s *State) Item(id string) (Item, bool) {
	it, ok := s.items[id]
	if !ok {
		return Item{}, false
	}
	return it.view(), true
}

// Announcements returns what is in force, oldest first.
func (s *State) Announcements() []Announcement {
	var inForce []*announcement
	for _, a := range s.announcements {
		if a.inForce {
			inForce = append(inForce, a)
		}
	}
	slices.SortFunc(inForce, func(a, b *announcement) int {
		return cmp.Compare(a.seq, b.seq)
	})
	list := make([]Announcement, 0, len(inForce))
	for _, a := range inForce {
		list = append(list, a.view)
	}
	return list
}

// later returns the later of two instants, with the log's precision.
func later(a, b time.Time) time.Time {
	b = b.UTC().Truncate(time.Millisecond)
	if a.After(b) {
		return a
	}
	return b
}
