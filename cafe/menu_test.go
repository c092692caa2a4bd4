package cafe

import (
	"testing"
)

func TestDefaultMenu(t *testing.T) {
	menu := DefaultMenu()
	if len(menu) < 24 {
		t.Errorf("the menu has %d items", len(menu))
	}
	w := newCafe(t) // imports it, which checks every item
	counted, sized, optional := 0, 0, 0
	for _, it := range w.s.Menu() {
		if it.Allergens == nil {
			t.Errorf("%s does not state its allergens", it.ID)
		}
		if it.Price.Currency != "EUR" || it.Price.Amount < 200 || it.Price.Amount > 600 {
			t.Errorf("%s costs %v", it.ID, it.Price)
		}
		if it.Remaining != nil {
			counted++
		}
		sized += min(len(it.Sizes), 1)
		optional += min(len(it.Options), 1)
		// Everything can be ordered as it comes.
		w.order(ada, it.ID)
	}
	if counted < 3 || sized < 10 || optional < 20 {
		t.Errorf("%d items are counted, %d have sizes, %d options", counted, sized, optional)
	}
	for i, it := range w.s.Menu() {
		if it.ID != menu[i].ID {
			t.Fatalf("item %d is %s, in the file it is %s", i, it.ID, menu[i].ID)
		}
	}
}

func TestParseMenuNamesWhatIsMissing(t *testing.T) {
	for _, in := range []string{
		`{`,
		`{"items":[{"id":"a","sizes":"cup"}]}`,
		`{"items":[{"id":"a","options":["milk"]}]}`,
	} {
		if _, err := parseMenu([]byte(in)); err == nil {
			t.Errorf("%s is a menu", in)
		}
	}
}
