package cafe

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"everything.local/event"
)

// item1 is an item with two sizes and three milks.
func item1(id string, price int32) Item {
	return Item{
		ID: id, Name: "Item " + id, Category: "Coffee", Price: Money{price, "EUR"}, Available: true,
		Sizes: []Choice{
			{ID: "regular", Name: "Regular", Available: true},
			{ID: "large", Name: "Large", Extra: 50, Available: true},
		},
		Options: []OptionGroup{{ID: "milk", Name: "Milk", Most: 1, Default: "whole-milk", Choices: []Choice{
			{ID: "whole-milk", Name: "Whole milk", Allergens: []string{"milk"}, Available: true},
			{ID: "oat-milk", Name: "Oat milk", Extra: 50, Allergens: []string{"gluten"}, Frees: []string{"milk"}, Available: true},
			{ID: "no-milk", Name: "No milk", Extra: -20, Frees: []string{"milk"}, Available: true},
		}}},
		Allergens: &[]string{"milk"},
	}
}

func TestItemIsPutShownAndRetired(t *testing.T) {
	w := newCafe(t)
	it := item1("geisha", 700)
	it.Name = "  Geisha  "
	seq := w.must(PutItem{Item: it}, boss)
	it.Name = "Geisha"
	got, ok := w.s.Item("geisha")
	if diff := cmp.Diff(it, got); !ok || diff != "" {
		t.Fatal(diff)
	}
	key := entryKey{event.Menu, "geisha"}
	if e := w.topics[key]; e.Seq != seq || string(e.Value) != string(encode(it)) {
		t.Errorf("the entry is %d %s", e.Seq, e.Value)
	}
	seq = w.must(RetireItem{Item: "geisha"}, boss)
	if e := w.topics[key]; e.Seq != seq || !e.Gone() {
		t.Errorf("the entry is %d %s", e.Seq, e.Value)
	}
	w.refused(PlaceOrder{Items: one("geisha")}, ada, event.UnknownItem, "items[0].item")
	w.refused(RetireItem{Item: "geisha"}, boss, event.NotFound, "")
	w.refused(SetAvailability{Item: "geisha"}, bob, event.NotFound, "")
	w.must(PutItem{Item: it}, boss) // it may come back
}

func TestItemsAreRefused(t *testing.T) {
	w := newCafe(t)
	choices := func(n int) []Choice {
		list := make([]Choice, n)
		for i := range list {
			list[i] = Choice{ID: fmt.Sprint("c", i), Name: "C"}
		}
		return list
	}
	for _, test := range []struct {
		spoil func(*Item)
		code  event.Code
		field string
	}{
		{func(it *Item) { it.ID = "" }, event.Invalid, "id"},
		{func(it *Item) { it.ID = "Latte" }, event.Invalid, "id"},
		{func(it *Item) { it.ID = "flat--white" }, event.Invalid, "id"},
		{func(it *Item) { it.ID = strings.Repeat("a", 41) }, event.Invalid, "id"},
		{func(it *Item) { it.Name = " " }, event.BadText, "name"},
		{func(it *Item) { it.Description = "\x00" }, event.BadText, "description"},
		{func(it *Item) { it.Category = "" }, event.BadText, "category"},
		{func(it *Item) { it.Position = -1 }, event.Invalid, "position"},
		{func(it *Item) { it.Price.Amount = -1 }, event.Invalid, "price.amount"},
		{func(it *Item) { it.Price.Amount = maxPrice + 1 }, event.Invalid, "price.amount"},
		{func(it *Item) { it.Price.Amount = 10 }, event.Invalid, "price.amount"}, // below no-milk's -20
		{func(it *Item) { it.Price.Currency = "CHF" }, event.Invalid, "price.currency"},
		{func(it *Item) { it.Remaining = new(int32(-1)) }, event.BadQuantity, "remaining"},
		{func(it *Item) { it.Remaining = new(int32(maxRemaining + 1)) }, event.BadQuantity, "remaining"},
		{func(it *Item) { it.Allergens = &[]string{"milk", "love"} }, event.Invalid, "allergens[1]"},
		{func(it *Item) { it.Allergens = &[]string{"milk", "milk"} }, event.Invalid, "allergens[1]"},
		{func(it *Item) { it.Sizes[1].ID = "regular" }, event.Invalid, "sizes[1].id"},
		{func(it *Item) { it.Sizes[1].Name = "" }, event.BadText, "sizes[1].name"},
		{func(it *Item) { it.Sizes[1].Extra = maxExtra + 1 }, event.Invalid, "sizes[1].extra"},
		{func(it *Item) { it.Sizes = choices(maxSizes + 1) }, event.Invalid, "sizes"},
		{func(it *Item) { it.Options[0].ID = "" }, event.Invalid, "options[0].id"},
		{func(it *Item) { it.Options[0].Name = "" }, event.BadText, "options[0].name"},
		{func(it *Item) { it.Options[0].Most = 0 }, event.Invalid, "options[0].most"},
		{func(it *Item) { it.Options[0].Most = 6 }, event.Invalid, "options[0].most"},
		{func(it *Item) { it.Options[0].Default = "cream" }, event.Invalid, "options[0].default"},
		{func(it *Item) { it.Options[0].Choices = nil; it.Options[0].Default = "" }, event.Invalid, "options[0].choices"},
		{func(it *Item) { it.Options[0].Choices = choices(maxChoices + 1) }, event.Invalid, "options[0].choices"},
		{func(it *Item) { it.Options[0].Choices[1].ID = "large" }, event.Invalid, "options[0].choices[1].id"},
		{func(it *Item) { it.Options[0].Choices[1].Allergens = []string{"x"} }, event.Invalid, "options[0].choices[1].allergens[0]"},
		{func(it *Item) { it.Options[0].Choices[1].Frees = []string{"x"} }, event.Invalid, "options[0].choices[1].frees[0]"},
		{func(it *Item) { it.Options = append(it.Options, it.Options[0]) }, event.Invalid, "options[1].id"},
		{func(it *Item) { it.Options = make([]OptionGroup, maxGroups+1) }, event.Invalid, "options"},
	} {
		it := item1("geisha", 700)
		test.spoil(&it)
		w.refused(PutItem{Item: it}, boss, test.code, test.field)
		w.refused(ImportMenu{Items: []Item{item1("fine", 500), it}}, boss, test.code, "items[1]."+test.field)
	}
	twice := []Item{item1("geisha", 700), item1("geisha", 700)}
	w.refused(ImportMenu{Items: twice}, boss, event.Invalid, "items[1].id")
	w.refused(ImportMenu{}, boss, event.Invalid, "items")
	w.refused(SetAvailability{Item: "latte", Remaining: new(int32(-1))}, bob, event.BadQuantity, "remaining")
	w.refused(SetAvailability{Item: "latte", Remaining: new(int32(maxRemaining + 1))}, bob, event.BadQuantity, "remaining")
	mixed := []Item{item1("a", 700), item1("b", 700)}
	mixed[1].Price.Currency = "CHF"
	newWorld(t).refused(ImportMenu{Items: mixed}, boss, event.Invalid, "items[1].price.currency")
}

// None and not stated are told apart all the way.
func TestAllergensNoneIsNotUnstated(t *testing.T) {
	w := newCafe(t)
	for _, test := range []struct {
		allergens *[]string
		want      string
	}{{nil, "unstated"}, {&[]string{}, "none"}, {new([]string), "none"}} {
		it := item1("geisha", 700)
		it.Allergens = test.allergens
		w.must(PutItem{Item: it}, boss)
		value := w.topics.live(event.Menu)["geisha"]
		has := strings.Contains(value, `"allergens":[],"available"`)
		if has != (test.want == "none") || strings.Contains(value, "null") {
			t.Errorf("want %s: %s", test.want, value)
		}
	}
}

// Saving what the menu says neither restocks nor sells out.
func TestPutLeavesTodayAlone(t *testing.T) {
	w := newCafe(t)
	w.must(SetAvailability{Item: "latte", Available: true, Remaining: new(int32(5))}, bob)
	w.must(SetAvailability{Item: "mocha", Available: false}, bob)
	for _, id := range []string{"latte", "mocha"} {
		it := item1(id, 444)
		it.Available, it.Remaining = id == "mocha", new(int32(100))
		w.must(PutItem{Item: it}, boss)
		w.must(ImportMenu{Items: []Item{it}}, boss)
	}
	latte, _ := w.s.Item("latte")
	mocha, _ := w.s.Item("mocha")
	if latte.Price.Amount != 444 || *latte.Remaining != 5 || !latte.Available || mocha.Available || mocha.Remaining != nil {
		t.Errorf("latte %+v, mocha %+v", latte, mocha)
	}
}

func TestMenuIsSortedByPosition(t *testing.T) {
	w := newWorld(t)
	for i, id := range []string{"b", "c", "a", "d"} {
		it := item1(id, 300)
		it.Position = int32(max(2-i, 0))
		w.must(PutItem{Item: it}, boss)
	}
	var ids []string
	for _, it := range w.s.Menu() {
		ids = append(ids, it.ID)
	}
	if want := []string{"a", "d", "c", "b"}; !slices.Equal(ids, want) {
		t.Errorf("the menu is %v, want %v", ids, want)
	}
}

func TestMenuIsBounded(t *testing.T) {
	w := newWorld(t)
	var items []Item
	for i := range maxItems + 1 {
		items = append(items, Item{ID: fmt.Sprint("item-", i), Name: "Item", Category: "C", Price: Money{100, "EUR"}, Available: true})
	}
	w.refused(ImportMenu{Items: items}, boss, event.Conflict, "")
	w.must(ImportMenu{Items: items[:maxItems-1]}, boss)
	w.must(ImportMenu{Items: items[:maxItems-1]}, boss) // none is new
	// Two hubs put the last one at the same time: the second finds no place.
	last := PutItem{Item: items[maxItems-1]}
	over := PutItem{Item: items[maxItems]}
	m := w.meta(boss, "over")
	writes, err := Decide(w.s, over, m)
	if err != nil {
		t.Fatal(err)
	}
	w.must(last, boss)
	w.append(over, m, writes[0])
	if n := len(w.s.Menu()); n != maxItems || len(w.topics.live(event.Menu)) != maxItems {
		t.Errorf("the menu has %d items", n)
	}
	w.refused(over, boss, event.Conflict, "")
	w.must(last, boss) // what is there can be changed
}

func TestItemIDsAreBounded(t *testing.T) {
	w := newWorld(t)
	for i := range maxItemIDs {
		w.s.aggregates[itemSubject(fmt.Sprint("item-", i))] = &aggregate{last: 1}
	}
	w.refused(PutItem{Item: item1("one-more", 300)}, boss, event.Conflict, "")
	if _, err := Decide(w.s, PutItem{Item: item1("item-7", 300)}, w.meta(boss, "back")); err != nil {
		t.Errorf("a retired item cannot come back: %v", err)
	}
}
