package event_test

import (
	"strings"
	"testing"

	"everything.local/event"
)

func TestSubject(t *testing.T) {
	s := event.Subject{Kind: event.KindOrder, ID: "k3f9"}
	if got, err := event.ParseSubject(s.String()); err != nil || got != s || s.String() != "order.k3f9" {
		t.Errorf("%s parsed to %+v, %v", s, got, err)
	}
	for _, bad := range []string{"", "order", "order.", ".k3f9", "order.k3f9.x", "order.K", "order.*", "order.>", "order. ", "order." + strings.Repeat("a", 65)} {
		if got, err := event.ParseSubject(bad); err == nil {
			t.Errorf("%q parsed to %+v", bad, got)
		}
	}
}

// TestIDsStay holds ids that are in logs: they must come out the same in any
// year.
func TestIDsStay(t *testing.T) {
	for got, want := range map[string]string{
		event.DeriveID("customer", "ada"):                         "5hqjten229w6dafi43qc",
		event.DeriveID("ab", "c"):                                 "inh5dpfnin2y7uwb9k3h",
		event.DeriveID("a", "bc"):                                 "knikmb6irapmezk449b9",
		event.CommandID("customer/a", "POST", "/v1/orders", "k1"): "776e21155fc7a52fba44355115339d5de585d94ff7c4239e5d0100ad0c8c47c1",
		event.Digest([]byte("{}")):                                "44136fa355b3678a1146ad16f7e8649e",
	} {
		if got != want {
			t.Errorf("%q is not %q", got, want)
		}
	}
}

func TestNewID(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		id := event.NewID()
		if len(id) != event.IDLength || !event.ValidID(id) || seen[id] {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
}

func TestCheckAppend(t *testing.T) {
	good := event.Write{Subject: event.Subject{Kind: event.KindOrder, ID: "a"}}
	if err := event.CheckAppend(event.Command{ID: "a"}, []event.Write{good}); err != nil {
		t.Error(err)
	}
	if err := event.CheckAppend(event.Command{ID: "a"}, make([]event.Write, event.MaxWrites+1)); event.CodeOf(err) != event.TooLarge {
		t.Errorf("too many writes: %v", err)
	}
}
