package cafe

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"everything.local/event"
)

func one(item string) []LineRequest { return []LineRequest{{Item: item, Quantity: 1}} }

func TestPlaceOrderIsRefused(t *testing.T) {
	w := newCafe(t)
	w.must(SetAvailability{Item: "cookie", Available: false}, bob)
	w.must(SetAvailability{Item: "bagel", Available: true, Remaining: new(int32(3))}, bob)
	menu := DefaultMenu()
	latte := menu[slices.IndexFunc(menu, func(it Item) bool { return it.ID == "latte" })]
	soy := slices.IndexFunc(latte.Options[0].Choices, func(ch Choice) bool { return ch.ID == "soy-milk" })
	latte.Options[0].Choices[soy].Available = false
	w.must(PutItem{Item: latte}, boss)
	with := func(l LineRequest) PlaceOrder {
		return PlaceOrder{Items: []LineRequest{{Item: "espresso", Quantity: 1}, l}}
	}
	many := make([]LineRequest, maxLines+1)
	for i := range many {
		many[i] = LineRequest{Item: "latte", Quantity: 1}
	}
	options := make([]string, maxOptions+1)
	for i := range options {
		options[i] = fmt.Sprint("oat-milk", i)
	}
	for _, test := range []struct {
		order PlaceOrder
		code  event.Code
		field string
	}{
		{PlaceOrder{}, event.BadQuantity, "items"},
		{PlaceOrder{Items: many}, event.BadQuantity, "items"},
		{with(LineRequest{Item: "unicorn", Quantity: 1}), event.UnknownItem, "items[1].item"},
		{with(LineRequest{Quantity: 1}), event.UnknownItem, "items[1].item"},
		{with(LineRequest{Item: "latte"}), event.BadQuantity, "items[1].quantity"},
		{with(LineRequest{Item: "latte", Quantity: -1}), event.BadQuantity, "items[1].quantity"},
		{with(LineRequest{Item: "latte", Quantity: 10_000}), event.BadQuantity, "items[1].quantity"},
		{with(LineRequest{Item: "latte", Quantity: 21}), event.BadQuantity, "items[1].quantity"},
		{with(LineRequest{Item: "latte", Size: "huge", Quantity: 1}), event.UnknownOption, "items[1].size"},
		{with(LineRequest{Item: "cortado", Size: "regular", Quantity: 1}), event.UnknownOption, "items[1].size"},
		{with(LineRequest{Item: "latte", Options: []string{"decaf", "gold"}, Quantity: 1}), event.UnknownOption, "items[1].options[1]"},
		{with(LineRequest{Item: "latte", Options: []string{"large"}, Quantity: 1}), event.UnknownOption, "items[1].options[0]"},
		{with(LineRequest{Item: "latte", Options: []string{"decaf", "decaf"}, Quantity: 1}), event.Invalid, "items[1].options[1]"},
		{with(LineRequest{Item: "latte", Options: []string{"oat-milk", "whole-milk"}, Quantity: 1}), event.Invalid, "items[1].options[0]"},
		{with(LineRequest{Item: "latte", Options: options, Quantity: 1}), event.Invalid, "items[1].options"},
		{with(LineRequest{Item: "latte", Options: []string{"soy-milk"}, Quantity: 1}), event.SoldOut, "items[1].options[0]"},
		{with(LineRequest{Item: "cookie", Quantity: 1}), event.SoldOut, "items[1].item"},
		{with(LineRequest{Item: "bagel", Quantity: 4}), event.SoldOut, "items[1].quantity"},
		{PlaceOrder{Items: []LineRequest{{Item: "bagel", Quantity: 2}, {Item: "bagel", Quantity: 2}}}, event.SoldOut, "items[1].quantity"},
		{PlaceOrder{Name: "Ad\xffa", Items: one("latte")}, event.BadText, "name"},
		{PlaceOrder{Name: "Ada\x07", Items: one("latte")}, event.BadText, "name"},
		{PlaceOrder{Name: strings.Repeat("é", 41), Items: one("latte")}, event.BadText, "name"},
		{PlaceOrder{Note: "two\nlines", Items: one("latte")}, event.BadText, "note"},
		{PlaceOrder{Note: strings.Repeat("x", 201), Items: one("latte")}, event.BadText, "note"},
	} {
		w.refused(test.order, ada, test.code, test.field)
	}
	w.refused(PlaceOrder{Items: one("latte")}, Caller{Role: "customer"}, event.Unauthenticated, "")
	if n := len(w.topics.live(event.Kitchen)); n != 0 {
		t.Errorf("%d refused orders are in the kitchen", n)
	}
}

func TestDefaultsThatCannotBeHadAreRefused(t *testing.T) {
	w := newCafe(t)
	latte := item1("latte", 380)
	latte.Sizes[0].Available, latte.Options[0].Choices[0].Available = false, false
	w.must(PutItem{Item: latte}, boss)
	w.refused(PlaceOrder{Items: one("latte")}, ada, event.SoldOut, "items[0].size")
	large := LineRequest{Item: "latte", Size: "large", Quantity: 1}
	w.refused(PlaceOrder{Items: []LineRequest{large}}, ada, event.SoldOut, "items[0].options")
	large.Options = []string{"oat-milk"}
	w.must(PlaceOrder{Items: []LineRequest{large}}, ada)
}

// The biggest order that the rules allow is far from overflowing.
func TestTheBiggestOrder(t *testing.T) {
	w := newWorld(t)
	gold := Item{ID: "gold", Name: "Gold", Category: "Gold", Price: Money{maxPrice, "EUR"}, Available: true}
	gold.Sizes = []Choice{{ID: "bar", Name: "Bar", Extra: maxExtra, Available: true}}
	line := LineRequest{Item: "gold", Quantity: maxQuantity}
	for g := range maxGroups {
		group := OptionGroup{ID: fmt.Sprint("group-", g), Name: "Group", Most: maxMost}
		for c := range maxChoices {
			id := fmt.Sprintf("choice-%d-%d", g, c)
			group.Choices = append(group.Choices, Choice{ID: id, Name: "Choice", Extra: maxExtra, Available: true})
			if c < maxMost {
				line.Options = append(line.Options, id)
			}
		}
		gold.Options = append(gold.Options, group)
	}
	w.must(PutItem{Item: gold}, boss)
	lines := make([]LineRequest, maxLines)
	for i := range lines {
		lines[i] = line
	}
	o, _ := w.s.Order(w.place(ada, PlaceOrder{Items: lines}))
	unit := int32(maxPrice + maxExtra + maxGroups*maxMost*maxExtra)
	if want := (Money{unit * maxQuantity * maxLines, "EUR"}); o.Total != want || want.Amount != 204_000_000 {
		t.Errorf("the total is %v, want %v", o.Total, want)
	}
}

// An order keeps the prices and names it was placed with.
func TestPricesAreCopied(t *testing.T) {
	w := newCafe(t)
	id := w.order(ada, "latte")
	was, _ := w.s.Order(id)
	latte, _ := w.s.Item("latte")
	latte.Name, latte.Price.Amount = "Caffè latte", 900
	seq := w.must(PutItem{Item: latte}, boss)
	if now, _ := w.s.Order(id); cmp.Diff(was, now) != "" {
		t.Error(cmp.Diff(was, now))
	}
	later, _ := w.s.Order(w.order(ada, "latte"))
	if l := later.Items[0]; l.Name != "Caffè latte" || l.Unit.Amount != 900 || l.MenuSeq != int64(seq) {
		t.Errorf("ordered after the change: %+v", l)
	}
}

// Only a name or a note is sealed, and nothing else of an order is personal.
func TestPersonalFieldsAreSealedApart(t *testing.T) {
	w := newCafe(t)
	for _, test := range []struct {
		order    PlaceOrder
		personal string
	}{
		{PlaceOrder{Name: "Ada", Note: "hot", Items: one("latte")}, `{"name":"Ada","note":"hot"}`},
		{PlaceOrder{Name: "Ada", Items: one("latte")}, `{"name":"Ada"}`},
		{PlaceOrder{Note: "hot", Items: one("latte")}, `{"note":"hot"}`},
		{PlaceOrder{Name: " ", Items: one("latte")}, ``},
	} {
		writes, err := Decide(w.s, test.order, w.meta(ada, test.personal))
		if err != nil {
			t.Fatal(err)
		}
		e := writes[0].Event
		if string(e.Personal) != test.personal || (e.Customer == ada.ID) != (test.personal != "") {
			t.Errorf("%+v: customer %q, personal %s", test.order, e.Customer, e.Personal)
		}
		if s := string(e.Data); strings.Contains(s, "Ada") || strings.Contains(s, "hot") {
			t.Errorf("personal fields in the clear: %s", s)
		}
	}
}
