package cafe

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"everything.local/event"
)

// One log folded live, anew, anew after customers were forgotten, and from a
// snapshot taken after every event: the same state, entries and sequences.
func (w *world) checkFolds() {
	w.t.Helper()
	want := w.snapshot()
	again, held := New(), topics{}
	for i, e := range w.log {
		snap := snapshotOf(w.t, again)
		restored := New()
		if err := restored.Restore([]byte(snap)); err != nil {
			w.t.Fatalf("restored before event %d: %v", e.Seq, err)
		}
		if got := snapshotOf(w.t, restored); got != snap {
			w.t.Fatalf("restored before event %d: %s", e.Seq, cmp.Diff(snap, got))
		}
		entries := w.refold(again, e)
		if got := w.refold(restored, e); !slices.EqualFunc(entries, got, sameEntry) {
			w.t.Fatalf("event %d folded after restoring: %s", e.Seq, cmp.Diff(entries, got))
		}
		if !slices.EqualFunc(w.changed[i], entries, sameEntry) {
			w.t.Fatalf("event %d folded anew: %s", e.Seq, cmp.Diff(w.changed[i], entries))
		}
		if want, got := snapshotOf(w.t, again), snapshotOf(w.t, restored); got != want {
			w.t.Fatalf("event %d leads elsewhere after restoring: %s", e.Seq, cmp.Diff(want, got))
		}
		held.apply(w.t, entries)
	}
	if got := snapshotOf(w.t, again); got != want {
		w.t.Fatalf("folded anew: %s", cmp.Diff(want, got))
	}
}

// checkForgotten folds the log as a hub reads it that starts now, when the
// keys are gone: what was sealed before a customer's last forgetting reads as
// forgotten.
func (w *world) checkForgotten() {
	w.t.Helper()
	last := map[string]uint64{}
	for _, e := range w.log {
		if e.Type == typeCustomerForgotten {
			last[e.Subject.ID] = e.Seq
		}
	}
	late, held := New(), topics{}
	for _, e := range w.log {
		if e.Customer != "" && e.Seq < last[e.Customer] {
			e.Personal, e.Forgotten = nil, true
		}
		held.apply(w.t, w.refold(late, e))
	}
	if want, got := w.snapshot(), snapshotOf(w.t, late); want != got {
		w.t.Fatalf("folded when the keys are gone: %s", cmp.Diff(want, got))
	}
	if !maps.EqualFunc(w.topics, held, sameEntry) {
		w.t.Fatalf("entries when the keys are gone: %s", cmp.Diff(w.topics, held, cmp.AllowUnexported(entryKey{})))
	}
}

func sameEntry(a, b event.Entry) bool {
	return a.Topic == b.Topic && a.Key == b.Key && a.Seq == b.Seq && a.Gone() == b.Gone() && string(a.Value) == string(b.Value)
}

func (w *world) refold(s *State, e event.Event) []event.Entry {
	w.t.Helper()
	entries, err := s.Apply(e)
	if err != nil {
		w.t.Fatal(err)
	}
	return entries
}

func TestStoryFoldsTheSame(t *testing.T) {
	w := story(t)
	w.checkFolds()
	w.checkForgotten()
	w.checkShown()
}

func TestRestoreKeepsTheViews(t *testing.T) {
	w := newCafe(t)
	id := w.order(ada, "latte")
	w.order(ada, "croissant")
	w.post(PostAnnouncement{Text: "hello"})
	r := New()
	if err := r.Restore([]byte(w.snapshot())); err != nil {
		t.Fatal(err)
	}
	was, _ := w.s.Order(id)
	now, _ := r.Order(id)
	for _, diff := range []string{
		cmp.Diff(was, now), cmp.Diff(w.s.Orders(ada.ID), r.Orders(ada.ID)), cmp.Diff(w.s.Menu(), r.Menu()),
		cmp.Diff(w.s.Announcements(), r.Announcements()), cmp.Diff(w.s.Epoch()+w.s.Site()+w.s.Mode(), r.Epoch()+r.Site()+r.Mode()),
	} {
		if diff != "" {
			t.Error(diff)
		}
	}
}

func TestRestoreRefusesWhatIsNoSnapshot(t *testing.T) {
	w := newCafe(t)
	id := w.order(ada, "latte")
	w.must(ForgetCustomer{Customer: ada.ID}, ada)
	snap := w.snapshot()
	for what, in := range map[string]string{
		"nothing":              "",
		"another thing":        "[]",
		"another version":      strings.Replace(snap, `"version":1`, `"version":2`, 1),
		"a bad time":           strings.Replace(snap, `"now":"2026`, `"now":"x`, 1),
		"a bad subject":        strings.Replace(snap, `"subject":"`, `"subject":"?`, 1),
		"no menu seqs":         strings.Replace(snap, `"menu_seqs":[`, `"menu_seqs":[1,`, 1),
		"an ended order open":  strings.Replace(snap, `"placed":1`, `"placed":1,"closed":["`+id+`"]`, 1),
		"an unlisted order":    strings.Replace(snap, `"status":"placed"`, `"status":"declined"`, 1),
		"an unknown forgotten": strings.Replace(snap, `"forgotten":["`, `"forgotten":["x`, 1),
	} {
		if in == snap {
			t.Fatalf("%s: nothing was spoiled", what)
		}
		if err := w.s.Restore([]byte(in)); !errors.Is(err, errSnapshot) {
			t.Errorf("%s: %v", what, err)
		}
		if w.snapshot() != snap {
			t.Fatalf("%s changed the state", what)
		}
	}
}
