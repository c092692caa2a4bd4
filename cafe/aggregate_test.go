package cafe

import (
	"testing"

	"everything.local/event"
)

// A retry is recognised whatever it was about.
func TestAnsweredFindsEveryKindOfCommand(t *testing.T) {
	w := newCafe(t)
	id := w.order(ada, "latte")
	w.steps(id, Accept)
	w.must(PutItem{Item: item1("geisha", 700)}, boss)
	w.must(SetAvailability{Item: "geisha"}, bob)
	w.must(RetireItem{Item: "geisha"}, boss)
	post := w.post(PostAnnouncement{Text: "hello"})
	w.must(WithdrawAnnouncement{post}, boss)
	w.must(PairScreen{Code: "123456"}, bob)
	w.must(ForgetCustomer{Customer: ada.ID}, boss)
	restored := New()
	if err := restored.Restore([]byte(w.snapshot())); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*State{w.s, restored} {
		for _, e := range w.log {
			if seq, found, err := s.Answered(e.Subject, e.Command); seq != e.Seq || !found || err != nil {
				t.Errorf("%s: %d, %v, %v", e.Type, seq, found, err)
			}
			other := e.Command
			other.Digest = event.Digest([]byte("another body"))
			_, found, err := s.Answered(e.Subject, other)
			refusal(t, e.Type, err, event.IdempotencyMismatch, "")
			if found {
				t.Errorf("%s: found with another body", e.Type)
			}
			other.ID = event.CommandID("x", "y", "z", "")
			if _, found, err := s.Answered(e.Subject, other); found || err != nil {
				t.Errorf("%s: a command nobody gave: %v, %v", e.Type, found, err)
			}
		}
		if _, found, err := s.Answered(event.Subject{}, event.Command{}); found || err != nil {
			t.Errorf("nothing is answered: %v, %v", found, err)
		}
	}
}

// A command that is decided again although it was answered makes nothing twice.
func TestAnsweredCommandsMakeNothingTwice(t *testing.T) {
	w := newCafe(t)
	for _, c := range []Command{
		PlaceOrder{Items: one("latte")}, PostAnnouncement{Text: "hello"}, PairScreen{Code: "123456"},
	} {
		m := w.meta(bob, "again")
		if _, err := w.try(c, m); err != nil {
			t.Fatal(err)
		}
		_, err := w.try(c, m)
		refusal(t, "again", err, event.Conflict, "")
	}
}

func TestAnswersAreBounded(t *testing.T) {
	w := newCafe(t)
	for range answersKept + 5 {
		w.must(SetAvailability{Item: "latte", Available: true}, bob)
	}
	if n := len(w.s.aggregates[itemSubject("latte")].answers); n != answersKept {
		t.Errorf("%d answers are kept", n)
	}
	e := w.log[len(w.log)-answersKept]
	if _, found, _ := w.s.Answered(e.Subject, e.Command); !found {
		t.Error("the oldest kept answer is not found")
	}
}
