package cafe

import (
	"encoding/json"
	"slices"

	"everything.local/event"
)

const (
	// maxLines and maxQuantity bound one order: more than a person carries.
	maxLines    = 20
	maxQuantity = 20
)

type orderPlacedV1 struct {
	Customer string   `json:"customer"`
	Items    []lineV1 `json:"items"`
	Total    int32    `json:"total"`
	Currency string   `json:"currency"`
	AcceptBy string   `json:"accept_by"`
}

type lineV1 struct {
	Item     string         `json:"item"`
	Name     string         `json:"name"`
	Size     *lineChoiceV1  `json:"size,omitempty"`
	Options  []lineChoiceV1 `json:"options,omitempty"`
	Quantity int32          `json:"quantity"`
	Unit     int32          `json:"unit"`
	Total    int32          `json:"total"`
	MenuSeq  int64          `json:"menu_seq"`
}

type lineChoiceV1 struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Default bool   `json:"default,omitempty"`
}

// orderPersonalV1 is sealed with the key of the order's customer.
type orderPersonalV1 struct {
	Name string `json:"name,omitempty"`
	Note string `json:"note,omitempty"`
}

func (d decision) placeOrder(c PlaceOrder) ([]event.Write, error) {
	to := Subject(c, d.m)
	if err := d.mayPlace(to); err != nil {
		return nil, err
	}
	name, err := text("name", c.Name, maxName)
	if err != nil {
		return nil, err
	}
	note, err := text("note", c.Note, maxNote)
	if err != nil {
		return nil, err
	}
	data, err := d.price(c.Items)
	if err != nil {
		return nil, err
	}
	data.Customer = d.m.By.ID
	data.AcceptBy = after(d.at, d.m.Policy.AcceptWithin, defaultAcceptWithin)
	writes := d.write(to, typeOrderPlaced, data)
	if name != "" || note != "" {
		writes = seal(writes, data.Customer, encode(orderPersonalV1{name, note}))
	}
	return writes, nil
}

func (d decision) mayPlace(to event.Subject) error {
	_, placed := d.s.orders[to.ID]
	gone := slices.ContainsFunc(d.s.archive, func(a archived) bool { return a.Order == to.ID })
	switch {
	case !event.ValidID(d.m.By.ID):
		return event.Errorf(event.Unauthenticated, "tell the hub who you are before you order; a name is enough where guests are welcome")
	case gone:
		return d.missing(to.ID)
	case placed:
		return event.Errorf(event.Conflict, "this order has been placed")
	case len(d.s.orders)-len(d.s.closed) >= maxOpen:
		return event.Errorf(event.TooManyRequests, "there are %d open orders; try again when some are done", maxOpen)
	case !d.m.By.isStaff() && d.s.openOf(d.m.By.ID) >= maxOpenOfCustomer:
		return event.Errorf(event.TooManyRequests, "you have %d open orders; order again when some of them are done, or ask at the counter", maxOpenOfCustomer)
	}
	return nil
}

// price turns wishes into lines with the menu's prices.
func (d decision) price(wishes []LineRequest) (orderPlacedV1, error) {
	var data orderPlacedV1
	if len(wishes) == 0 || len(wishes) > maxLines {
		return data, event.Errorf(event.BadQuantity, "an order has 1 to %d lines, this one has %d", maxLines, len(wishes)).At("items")
	}
	var total int64
	wanted := map[string]int32{}
	for i, w := range wishes {
		line, err := d.line(path("items", i, ""), w)
		if err != nil {
			return data, err
		}
		it := d.s.items[w.Item]
		wanted[w.Item] += w.Quantity
		if it.counted && wanted[w.Item] > it.left {
			return data, event.Errorf(event.SoldOut, "only %d of %s are left; order fewer", it.left, it.plan.Name).At(path("items", i, "quantity"))
		}
		if data.Currency == "" {
			data.Currency = it.plan.Price.Currency
		}
		if data.Currency != it.plan.Price.Currency {
			return data, event.Errorf(event.Invalid, "these items have prices in different currencies; order them one by one").At(path("items", i, "item"))
		}
		total += int64(line.Total)
		data.Items = append(data.Items, line)
	}
	if total > maxTotal {
		return data, event.Errorf(event.Invalid, "this is too much for one order; split it").At("items")
	}
	data.Total = int32(total)
	return data, nil
}

// orderPlaced gives the order its number and what it takes of the stock. One
// that asks for more than is left is declined on the spot.
func (s *State) orderPlaced(c *changes, e event.Event, data orderPlacedV1) error {
	if _, again := s.orders[e.Subject.ID]; again {
		return errState
	}
	o, err := newOrder(c, e, data)
	if err != nil {
		return err
	}
	o.view.Number = numberOf(s.placed)
	if !s.take(c, o) {
		o.view.Status, o.view.Reason = Declined, OutOfStock
		o.view.AcceptBy, o.view.EndedAt, o.timerSet = "", c.time(), 0
	}
	s.placed++
	s.begin(c, o)
	return nil
}

// newOrder is the order of an event, without what follows from the state.
func newOrder(c *changes, e event.Event, data orderPlacedV1) (*order, error) {
	acceptBy, err := event.ParseTime(data.AcceptBy)
	if err != nil {
		return nil, err
	}
	var personal orderPersonalV1
	if len(e.Personal) > 0 {
		if err := json.Unmarshal(e.Personal, &personal); err != nil {
			return nil, err
		}
	}
	if !event.ValidID(data.Customer) || len(data.Items) == 0 {
		return nil, errData
	}
	o := &order{
		view: Order{
			ID: e.Subject.ID, Status: Placed, Name: personal.Name, Note: personal.Note,
			Total: Money{data.Total, data.Currency}, Customer: data.Customer,
			PlacedAt: c.time(), AcceptBy: event.FormatTime(acceptBy),
		},
		seq: c.seq, timerSet: c.seq,
		personal: e.Forgotten || len(e.Personal) > 0,
	}
	for _, l := range data.Items {
		if l.Item == "" || l.Quantity < 1 {
			return nil, errData
		}
		o.view.Items = append(o.view.Items, l.line(data.Currency))
	}
	if e.Forgotten {
		o.forget()
	}
	return o, nil
}

func (l lineV1) line(currency string) Line {
	line := Line{
		Item: l.Item, Name: l.Name, Quantity: l.Quantity,
		Unit: Money{l.Unit, currency}, Total: Money{l.Total, currency},
		MenuSeq: l.MenuSeq,
	}
	if l.Size != nil {
		size := LineChoice(*l.Size)
		line.Size = &size
	}
	for _, opt := range l.Options {
		line.Options = append(line.Options, LineChoice(opt))
	}
	return line
}
