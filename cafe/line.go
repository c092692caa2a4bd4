package cafe

import (
	"math"
	"slices"

	"everything.local/event"
)

const (
	// maxTotal is what an order's sum fits into.
	maxTotal = math.MaxInt32
	// maxOptions bounds the options that one line may name.
	maxOptions = maxGroups * maxMost
)

// line checks one wish against the menu and prices it. at is its path in the
// command.
func (d decision) line(at string, w LineRequest) (lineV1, error) {
	it, ok := d.s.items[w.Item]
	if !ok {
		return lineV1{}, event.Errorf(event.UnknownItem, "%s is not on the menu; choose something that is", event.Quote(w.Item)).At(join(at, "item"))
	}
	if !it.view().Available {
		return lineV1{}, event.Errorf(event.SoldOut, "%s is sold out; choose something else", it.plan.Name).At(join(at, "item"))
	}
	if w.Quantity < 1 || w.Quantity > maxQuantity {
		return lineV1{}, event.Errorf(event.BadQuantity, "order 1 to %d of a kind, not %d", maxQuantity, w.Quantity).At(join(at, "quantity"))
	}
	l := lineV1{Item: w.Item, Name: it.plan.Name, Quantity: w.Quantity, MenuSeq: int64(it.seq)}
	unit := int64(it.plan.Price.Amount)
	size, err := chooseSize(at, it.plan, w.Size)
	if err != nil {
		return lineV1{}, err
	}
	if size != nil {
		unit += int64(size.Extra)
		l.Size = &lineChoiceV1{size.ID, size.Name, size.ID == it.plan.Sizes[0].ID}
	}
	extras, err := chooseOptions(at, it.plan, w.Options, &l)
	if err != nil {
		return lineV1{}, err
	}
	unit += extras
	if unit < 0 || unit*int64(w.Quantity) > maxTotal {
		return lineV1{}, event.Errorf(event.Invalid, "%s cannot be sold like this; tell the staff that its price is wrong", it.plan.Name).At(at)
	}
	l.Unit, l.Total = int32(unit), int32(unit)*w.Quantity
	return l, nil
}

// chooseSize returns the size named, or the first; nil when there is but one.
func chooseSize(at string, it Item, id string) (*Choice, error) {
	if id == "" && len(it.Sizes) == 0 {
		return nil, nil
	}
	if id == "" {
		id = it.Sizes[0].ID
	}
	size, ok := choose(it.Sizes, id)
	if !ok {
		return nil, event.Errorf(event.UnknownOption, "%s has no size %s; choose one of its sizes or leave it out", it.Name, event.Quote(id)).At(join(at, "size"))
	}
	if !size.Available {
		return nil, event.Errorf(event.SoldOut, "%s in %s cannot be had now; choose another size", it.Name, size.Name).At(join(at, "size"))
	}
	return &size, nil
}

// chooseOptions fills in the line's options in the menu's order, with the
// defaults of groups that none was named of, and returns what they add to the
// price of one.
func chooseOptions(at string, it Item, named []string, l *lineV1) (extras int64, err error) {
	at = join(at, "options")
	if err := checkNamed(at, it, named); err != nil {
		return 0, err
	}
	for _, g := range it.Options {
		taken := int32(0)
		for _, ch := range g.Choices {
			i := slices.Index(named, ch.ID)
			if i < 0 {
				continue
			}
			if !ch.Available {
				return 0, event.Errorf(event.SoldOut, "%s cannot be had now; choose something else", ch.Name).At(path(at, i, ""))
			}
			if taken++; taken > g.Most {
				return 0, event.Errorf(event.Invalid, "at most %d of %s can be chosen; leave out %s", g.Most, g.Name, ch.Name).At(path(at, i, ""))
			}
			extras += int64(ch.Extra)
			l.Options = append(l.Options, lineChoiceV1{ch.ID, ch.Name, ch.ID == g.Default})
		}
		if taken > 0 || g.Default == "" {
			continue
		}
		ch, _ := choose(g.Choices, g.Default)
		if !ch.Available {
			return 0, event.Errorf(event.SoldOut, "%s cannot be had now; choose another %s", ch.Name, g.Name).At(at)
		}
		extras += int64(ch.Extra)
		l.Options = append(l.Options, lineChoiceV1{ch.ID, ch.Name, true})
	}
	return extras, nil
}

// checkNamed reports an option that the item does not have or that is named
// twice.
func checkNamed(at string, it Item, named []string) error {
	if len(named) > maxOptions {
		return event.Errorf(event.Invalid, "a line has at most %d options, this one has %d", maxOptions, len(named)).At(at)
	}
	for i, id := range named {
		has := slices.ContainsFunc(it.Options, func(g OptionGroup) bool {
			_, ok := choose(g.Choices, id)
			return ok
		})
		if !has {
			return event.Errorf(event.UnknownOption, "%s has no option %s; choose one of its options", it.Name, event.Quote(id)).At(path(at, i, ""))
		}
		if slices.Contains(named[:i], id) {
			return event.Errorf(event.Invalid, "the option %s is chosen twice; once is enough", id).At(path(at, i, ""))
		}
	}
	return nil
}

// choose finds a choice by its id.
func choose(choices []Choice, id string) (Choice, bool) {
	i := slices.IndexFunc(choices, func(ch Choice) bool { return ch.ID == id })
	if i < 0 {
		return Choice{}, false
	}
	return choices[i], true
}
