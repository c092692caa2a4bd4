package cafe

import (
	"testing"

	"everything.local/event"
)

func TestSiteIsOpened(t *testing.T) {
	w := newWorld(t)
	w.refused(OpenSite{Epoch: "K3F9", Site: "main", Mode: "live"}, clock, event.Invalid, "epoch")
	w.refused(OpenSite{Epoch: "k3f9", Site: "main", Mode: "prod"}, clock, event.Invalid, "mode")
	w.refused(OpenSite{Epoch: "k3f9", Site: "", Mode: "live"}, clock, event.BadText, "site")
	w.must(OpenSite{Epoch: "k3f9", Site: "main", Mode: "live"}, clock)
	if s := w.s; s.Epoch() != "k3f9" || s.Site() != "main" || s.Mode() != "live" || s.Currency() != "EUR" || s.Seq() != 1 {
		t.Errorf("opened as %s %s %s %s at %d", s.Epoch(), s.Site(), s.Mode(), s.Currency(), s.Seq())
	}
	if by := w.log[0].By; by != "hub" {
		t.Errorf("opened by %q", by)
	}
	w.nothing(OpenSite{Epoch: "k3f9", Site: "main", Mode: "live"})
	w.refused(OpenSite{Epoch: "k3fa", Site: "other", Mode: "live"}, clock, event.Conflict, "")
	w.refused(OpenSite{Epoch: "k3fa", Site: "main", Mode: "demo"}, clock, event.Conflict, "")
	w.must(OpenSite{Epoch: "k3fa", Site: "main", Mode: "live"}, clock)
	if w.s.Epoch() != "k3fa" {
		t.Errorf("after a restore the epoch is %s", w.s.Epoch())
	}
}

func TestCurrencyIsThatOfTheFirstItem(t *testing.T) {
	w := newWorld(t)
	it := item1("latte", 500)
	it.Price.Currency = "CHF"
	w.must(PutItem{Item: it}, boss)
	if w.s.Currency() != "CHF" {
		t.Errorf("the currency is %s", w.s.Currency())
	}
	w.refused(PutItem{Item: item1("mocha", 500)}, boss, event.Invalid, "price.currency")
}
