package cafe

import "everything.local/event"

const (
	// maxItems bounds the menu: pages show all of it.
	maxItems = 500
	// maxItemIDs bounds the items there ever were, on the menu or retired,
	// because the log's position of each is kept to guard its next change.
	maxItemIDs = 5000
	// maxRemaining bounds what is counted of an item.
	maxRemaining = 10_000
)

// item is an item on the menu.
type item struct {
	// plan is what the menu says of it; its Available and Remaining are not
	// used, those of today follow.
	plan Item
	// offered is what staff say, whatever is left.
	offered bool
	// counted says that only left more can be ordered.
	counted bool
	left    int32
	// seq is the event that last changed the item's entry.
	seq uint64
}

// view is the item as people see it.
func (it *item) view() Item {
	v := it.plan
	v.Available, v.Remaining = it.offered, nil
	if it.counted {
		left := it.left
		v.Remaining = &left
		v.Available = it.offered && left > 0
	}
	return v
}

func (it *item) show(c *changes) {
	it.seq = c.seq
	c.set(event.Menu, it.plan.ID, encode(it.view()))
}

// offer says what can be had of the item from now on.
func (it *item) offer(available bool, remaining *int32) {
	it.offered, it.counted, it.left = available, remaining != nil, 0
	if remaining != nil {
		it.left = min(max(*remaining, 0), maxRemaining)
	}
}

// itemSubject is the aggregate of an item: its id is chosen by people, so it
// does not enter the subject itself.
func itemSubject(id string) event.Subject {
	return event.Subject{Kind: event.KindItem, ID: event.DeriveID("item", id)}
}

type menuImportedV1 struct {
	Items []itemV1 `json:"items"`
}

type itemPutV1 struct {
	Item itemV1 `json:"item"`
}

type itemRetiredV1 struct {
	Item string `json:"item"`
}

type itemAvailabilitySetV1 struct {
	Item      string `json:"item"`
	Available bool   `json:"available"`
	Remaining *int32 `json:"remaining,omitempty"`
}

func (d decision) importMenu(c ImportMenu) ([]event.Write, error) {
	if len(c.Items) == 0 {
		return nil, event.Errorf(event.Invalid, "there is no item in this menu; add one").At("items")
	}
	var data menuImportedV1
	fresh := 0
	seen := map[string]bool{}
	for i, it := range c.Items {
		it, err := d.checkItem(path("items", i, ""), it)
		if err != nil {
			return nil, err
		}
		if seen[it.ID] {
			return nil, event.Errorf(event.Invalid, "the item %s is in this menu twice; rename one", it.ID).At(path("items", i, "id"))
		}
		seen[it.ID] = true
		if _, ok := d.s.items[it.ID]; !ok {
			fresh++
		}
		if it.Price.Currency != c.Items[0].Price.Currency {
			return nil, event.Errorf(event.Invalid, "a menu has one currency").At(path("items", i, "price.currency"))
		}
		data.Items = append(data.Items, toItemV1(it))
	}
	if n := len(d.s.items) + fresh; n > maxItems {
		return nil, event.Errorf(event.Conflict, "the menu would have %d items, at most %d fit; retire some first", n, maxItems)
	}
	return d.write(Subject(c, d.m), typeMenuImported, data), nil
}

func (d decision) putItem(c PutItem) ([]event.Write, error) {
	it, err := d.checkItem("", c.Item)
	if err != nil {
		return nil, err
	}
	to := itemSubject(it.ID)
	_, onMenu := d.s.items[it.ID]
	switch {
	case !onMenu && len(d.s.items) >= maxItems:
		return nil, event.Errorf(event.Conflict, "the menu has %d items, no more fit; retire one first", maxItems)
	case d.s.last(to) == 0 && d.s.itemIDs() >= maxItemIDs:
		return nil, event.Errorf(event.Conflict, "there have been %d different items; bring back a retired one instead of a new one", maxItemIDs)
	}
	return d.write(to, typeItemPut, itemPutV1{toItemV1(it)}), nil
}

func (d decision) retireItem(c RetireItem) ([]event.Write, error) {
	if _, ok := d.s.items[c.Item]; !ok {
		return nil, noItem(c.Item)
	}
	return d.write(Subject(c, d.m), typeItemRetired, itemRetiredV1(c)), nil
}

func (d decision) setAvailability(c SetAvailability) ([]event.Write, error) {
	if _, ok := d.s.items[c.Item]; !ok {
		return nil, noItem(c.Item)
	}
	if c.Remaining != nil && (*c.Remaining < 0 || *c.Remaining > maxRemaining) {
		return nil, event.Errorf(event.BadQuantity, "what remains is a number from 0 to %d, or left out when it is not counted", maxRemaining).At("remaining")
	}
	return d.write(Subject(c, d.m), typeItemAvailabilitySet, itemAvailabilitySetV1(c)), nil
}

func noItem(id string) error {
	return event.Errorf(event.NotFound, "there is no item %s on the menu", event.Quote(id))
}

// itemIDs counts the items that were ever changed one by one.
func (s *State) itemIDs() int {
	n := 0
	for sub := range s.aggregates {
		if sub.Kind == event.KindItem {
			n++
		}
	}
	return n
}

func (s *State) menuImported(c *changes, _ event.Event, data menuImportedV1) error {
	for _, it := range data.Items {
		if it.ID == "" {
			return errData
		}
	}
	for _, it := range data.Items {
		s.put(c, it.item())
	}
	return nil
}

func (s *State) itemPut(c *changes, e event.Event, data itemPutV1) error {
	if data.Item.ID == "" || itemSubject(data.Item.ID) != e.Subject {
		return errData
	}
	s.put(c, data.Item.item())
	return nil
}

// put changes what the menu says of an item. What can be had of it today stays
// as it is, unless the item is new. The bound is held here too, against puts
// decided at the same time: one too many does not get on the menu.
func (s *State) put(c *changes, plan Item) {
	it, ok := s.items[plan.ID]
	if !ok {
		if len(s.items) >= maxItems {
			return
		}
		it = &item{}
		it.offer(plan.Available, plan.Remaining)
		s.items[plan.ID] = it
	}
	if s.currency == "" {
		s.currency = plan.Price.Currency
	}
	plan.Available, plan.Remaining = false, nil
	it.plan = plan
	it.show(c)
}

func (s *State) itemRetired(c *changes, e event.Event, data itemRetiredV1) error {
	if itemSubject(data.Item) != e.Subject {
		return errData
	}
	if _, ok := s.items[data.Item]; !ok {
		return errState
	}
	delete(s.items, data.Item)
	c.gone(event.Menu, data.Item)
	return nil
}

func (s *State) itemAvailabilitySet(c *changes, e event.Event, data itemAvailabilitySetV1) error {
	if itemSubject(data.Item) != e.Subject {
		return errData
	}
	it, ok := s.items[data.Item]
	if !ok {
		return errState
	}
	it.offer(data.Available, data.Remaining)
	it.show(c)
	return nil
}
