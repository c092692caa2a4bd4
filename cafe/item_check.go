package cafe

import (
	"strconv"

	"everything.local/event"
)

// Bounds of one item. With those of an order they keep every sum far inside
// int32: 20 lines of 20 at 5,100.00 are 2,040,000.00.
const (
	maxPrice    = 100_000 // 1,000.00
	maxExtra    = 10_000  // 100.00
	maxSizes    = 8
	maxGroups   = 8
	maxChoices  = 20
	maxMost     = 5
	maxPosition = 1_000_000
)

// checkItem checks an item that is put on the menu and returns it with its
// texts trimmed. at is the item's path in the command.
func (d decision) checkItem(at string, it Item) (Item, error) {
	c := itemChecker{seen: map[string]bool{}}
	if !slug(it.ID) {
		c.fail(at, "id", event.Errorf(event.Invalid, "%s is no id for an item; use lower-case letters, digits and hyphens, like flat-white", event.Quote(it.ID)))
	}
	it.Name = c.text(join(at, "name"), it.Name, maxTitle, someText)
	it.Description = c.text(join(at, "description"), it.Description, maxAnnouncement, text)
	it.Category = c.text(join(at, "category"), it.Category, maxName, someText)
	if it.Position < 0 || it.Position > maxPosition {
		c.fail(at, "position", event.Errorf(event.Invalid, "a position is a number from 0 to %d", maxPosition))
	}
	if it.Price.Amount < 0 || it.Price.Amount > maxPrice {
		c.fail(at, "price.amount", event.Errorf(event.Invalid, "a price is from 0 to %d, in cents", maxPrice))
	}
	if !isCurrency(it.Price.Currency) || (d.s.currency != "" && it.Price.Currency != d.s.currency) {
		c.fail(at, "price.currency", event.Errorf(event.Invalid, "prices here are in %s", d.s.Currency()))
	}
	if it.Remaining != nil && (*it.Remaining < 0 || *it.Remaining > maxRemaining) {
		c.fail(at, "remaining", event.Errorf(event.BadQuantity, "what remains is a number from 0 to %d, or left out when it is not counted", maxRemaining))
	}
	if it.Allergens != nil {
		// None is an empty list, not null, which would read as not stated.
		list := append([]string{}, *it.Allergens...)
		it.Allergens = &list
		c.allergens(join(at, "allergens"), list)
	}
	it.Sizes = c.choices(join(at, "sizes"), it.Sizes, maxSizes)
	it.Options = c.groups(join(at, "options"), it.Options)
	if c.err == nil && cheapest(it) < 0 {
		c.fail(at, "price.amount", event.Errorf(event.Invalid, "with some size and options this would cost less than nothing; raise the price"))
	}
	return it, c.err
}

// itemChecker keeps the first thing that is wrong with an item.
type itemChecker struct {
	err error
	// seen has the ids of choices: an order names them without their group.
	seen map[string]bool
}

func (c *itemChecker) fail(at, field string, err *event.Error) {
	if c.err == nil {
		c.err = err.At(join(at, field))
	}
}

func (c *itemChecker) text(field, s string, most int, check func(string, string, int) (string, error)) string {
	s, err := check(field, s, most)
	if err != nil && c.err == nil {
		c.err = err
	}
	return s
}

func (c *itemChecker) groups(at string, groups []OptionGroup) []OptionGroup {
	if len(groups) > maxGroups {
		c.fail(at, "", event.Errorf(event.Invalid, "an item has at most %d groups of options", maxGroups))
		return nil
	}
	var list []OptionGroup
	ids := map[string]bool{}
	for i, g := range groups {
		at := path(at, i, "")
		if !slug(g.ID) || ids[g.ID] {
			c.fail(at, "id", event.Errorf(event.Invalid, "%s is no id for a group, or another group has it", event.Quote(g.ID)))
		}
		ids[g.ID] = true
		g.Name = c.text(join(at, "name"), g.Name, maxName, someText)
		if g.Most < 1 || g.Most > maxMost {
			c.fail(at, "most", event.Errorf(event.Invalid, "between 1 and %d choices of a group may be taken", maxMost))
		}
		if len(g.Choices) == 0 {
			c.fail(at, "choices", event.Errorf(event.Invalid, "a group needs something to choose from"))
		}
		g.Choices = c.choices(join(at, "choices"), g.Choices, maxChoices)
		if _, ok := choose(g.Choices, g.Default); g.Default != "" && !ok {
			c.fail(at, "default", event.Errorf(event.Invalid, "the default %s is not one of the choices", event.Quote(g.Default)))
		}
		list = append(list, g)
	}
	return list
}

func (c *itemChecker) choices(at string, choices []Choice, most int) []Choice {
	if len(choices) > most {
		c.fail(at, "", event.Errorf(event.Invalid, "there are at most %d choices here", most))
		return nil
	}
	var list []Choice
	for i, ch := range choices {
		at := path(at, i, "")
		if !slug(ch.ID) || c.seen[ch.ID] {
			c.fail(at, "id", event.Errorf(event.Invalid, "%s is no id for a choice, or the item has it already", event.Quote(ch.ID)))
		}
		c.seen[ch.ID] = true
		ch.Name = c.text(join(at, "name"), ch.Name, maxName, someText)
		if ch.Extra < -maxExtra || ch.Extra > maxExtra {
			c.fail(at, "extra", event.Errorf(event.Invalid, "an extra price is at most %d, in cents", maxExtra))
		}
		c.allergens(join(at, "allergens"), ch.Allergens)
		c.allergens(join(at, "frees"), ch.Frees)
		list = append(list, ch)
	}
	return list
}

func (c *itemChecker) allergens(at string, ids []string) {
	seen := map[string]bool{}
	for i, id := range ids {
		if !isAllergen(id) || seen[id] {
			c.fail(path(at, i, ""), "", event.Errorf(event.Invalid, "%s is not one of the fourteen allergens, or stands here twice", event.Quote(id)))
			return
		}
		seen[id] = true
	}
}

// cheapest returns a lower bound of what the item can cost.
func cheapest(it Item) int64 {
	low := int64(it.Price.Amount)
	var size int32
	for _, ch := range it.Sizes {
		size = min(size, ch.Extra)
	}
	low += int64(size)
	for _, g := range it.Options {
		for _, ch := range g.Choices {
			low += int64(min(ch.Extra, 0))
		}
	}
	return low
}

func isCurrency(s string) bool {
	for _, c := range []byte(s) {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return len(s) == 3
}

// path is the place of list[i].field in a command.
func path(list string, i int, field string) string {
	return join(list+"["+strconv.Itoa(i)+"]", field)
}

func join(at, field string) string {
	if at == "" || field == "" {
		return at + field
	}
	return at + "." + field
}
