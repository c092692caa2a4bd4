package cafe

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"everything.local/event"
)

var (
	ada   = Caller{Role: "customer", ID: event.DeriveID("customer", "ada")}
	grace = Caller{Role: "customer", ID: event.DeriveID("customer", "grace")}
	bob   = Caller{Role: "barista", ID: event.DeriveID("barista", "bob")}
	boss  = Caller{Role: "admin", ID: event.DeriveID("admin", "boss")}
	clock = Caller{Role: "hub"}
)

// opening is when every test's café opens.
var opening = time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC)

// world is a café with its log: what Decide decides is stored and folded, as a
// hub would, and what the topics hold is kept.
type world struct {
	t   testing.TB
	now time.Time
	s   *State
	log []event.Event
	// topics is what a follower holds; changed are the entries of each event.
	topics  topics
	changed [][]event.Entry
	// tries counts commands, so that each has an id of its own.
	tries int
	// quick leaves out that Decide changes nothing, for very long logs.
	quick bool
}

type topics map[entryKey]event.Entry

func (ts topics) apply(t testing.TB, entries []event.Entry) {
	t.Helper()
	for i, e := range entries {
		k := entryKey{e.Topic, e.Key}
		if i > 0 && !before(entries[i-1], e) {
			t.Fatalf("entries are not sorted or come twice: %v, %v", entries[i-1], e)
		}
		if old, ok := ts[k]; e.Gone() && (!ok || old.Gone()) {
			t.Fatalf("a tombstone for %s %s, which has no entry", e.Topic, e.Key)
		}
		ts[k] = e
	}
}

func before(a, b event.Entry) bool {
	if a.Topic != b.Topic {
		return a.Topic < b.Topic
	}
	return a.Key < b.Key
}

// live returns the entries of a topic by key.
func (ts topics) live(topic event.Topic) map[string]string {
	m := map[string]string{}
	for k, e := range ts {
		if k.topic == topic && !e.Gone() {
			m[k.key] = string(e.Value)
		}
	}
	return m
}

func newWorld(t testing.TB) *world {
	return &world{t: t, now: opening, s: New(), topics: topics{}}
}

// newCafe is a world with an open site and the default menu.
func newCafe(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	w.must(OpenSite{Epoch: "k3f9", Site: "main", Mode: "test"}, clock)
	w.must(ImportMenu{Items: DefaultMenu()}, boss)
	return w
}

// do gives a command and returns the sequence of its event, 0 for none.
func (w *world) do(c Command, by Caller) (uint64, error) {
	w.t.Helper()
	w.tries++
	return w.try(c, w.meta(by, strconv.Itoa(w.tries)))
}

func (w *world) meta(by Caller, key string) Meta {
	return Meta{
		Command: event.Command{ID: event.CommandID(by.ID, "POST", "/", key), Digest: event.Digest([]byte(key))},
		By:      by, Now: w.now,
	}
}

func (w *world) try(c Command, m Meta) (uint64, error) {
	w.t.Helper()
	writes, err := w.decide(c, m)
	if err != nil {
		if len(writes) > 0 {
			w.t.Fatalf("%T is refused and decided: %v", c, err)
		}
		return 0, err
	}
	if len(writes) == 0 {
		return 0, nil
	}
	for _, wr := range writes {
		w.append(c, m, wr)
	}
	return w.s.Seq(), nil
}

// decide decides and checks that this changes nothing.
func (w *world) decide(c Command, m Meta) ([]event.Write, error) {
	w.t.Helper()
	if w.quick {
		return Decide(w.s, c, m)
	}
	was := w.snapshot()
	writes, err := Decide(w.s, c, m)
	if now := w.snapshot(); now != was {
		w.t.Fatalf("Decide changed the state:\n%s", cmp.Diff(was, now))
	}
	return writes, err
}

// append stores a write as a log does, through its stored form, and folds it.
func (w *world) append(c Command, m Meta, wr event.Write) {
	w.t.Helper()
	if want := Subject(c, m); wr.Subject != want {
		w.t.Fatalf("%T writes to %s, Subject says %s", c, wr.Subject, want)
	}
	if want := lastOf(w.log, wr.Subject); wr.Expected != want {
		w.t.Fatalf("%T expects %s at %d, it is at %d", c, wr.Subject, wr.Expected, want)
	}
	w.fold(stored(w.t, wr, m.Command, uint64(len(w.log)+1)))
}

func (w *world) fold(e event.Event) {
	w.t.Helper()
	w.log = append(w.log, e)
	entries, err := w.s.Apply(e)
	if err != nil {
		w.t.Fatalf("the fold fails on what Decide wrote: %v", err)
	}
	for _, en := range entries {
		if en.Seq != e.Seq {
			w.t.Fatalf("entry %s %s of event %d has seq %d", en.Topic, en.Key, e.Seq, en.Seq)
		}
	}
	w.topics.apply(w.t, entries)
	w.changed = append(w.changed, entries)
}

// stored returns an event as a log gives it back.
func stored(t testing.TB, wr event.Write, cmd event.Command, seq uint64) event.Event {
	t.Helper()
	in := wr.Event
	in.Command = cmd
	var sealed *event.Sealed
	if (in.Customer == "") != (len(in.Personal) == 0) {
		t.Fatalf("%s has personal fields and a customer only together: %q, %q", in.Type, in.Customer, in.Personal)
	}
	if len(in.Personal) > 0 {
		sealed = event.Key{}.Seal(in.Customer, wr.Subject, in.Personal)
	}
	b, err := event.Encode(in, sealed)
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := event.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	out.Personal, out.Subject, out.Seq = in.Personal, wr.Subject, seq
	return out
}

func lastOf(log []event.Event, sub event.Subject) uint64 {
	for _, e := range slices.Backward(log) {
		if e.Subject == sub {
			return e.Seq
		}
	}
	return 0
}

// must gives a command that has to lead to an event.
func (w *world) must(c Command, by Caller) uint64 {
	w.t.Helper()
	seq, err := w.do(c, by)
	if err != nil || seq == 0 {
		w.t.Fatalf("%#v: seq %d, %v", c, seq, err)
	}
	return seq
}

// refused gives a command that has to be refused, for a field.
func (w *world) refused(c Command, by Caller, code event.Code, field string) {
	w.t.Helper()
	_, err := w.do(c, by)
	refusal(w.t, fmt.Sprintf("%#v", c), err, code, field)
}

// refusal checks what a caller is told.
func refusal(t testing.TB, what string, err error, code event.Code, field string) {
	t.Helper()
	e, ok := errors.AsType[*event.Error](err)
	switch {
	case !ok:
		t.Errorf("%s: %v, want a refusal with %s", what, err, code)
	case e.Code != code || e.Field != field:
		t.Errorf("%s: %v, want %s at %q", what, err, code, field)
	case len(e.Detail) < 15 || len(e.Detail) > 200:
		t.Errorf("%s: %q is no sentence", what, e.Detail)
	}
}

// place orders for a customer and returns the order's id.
func (w *world) place(by Caller, c PlaceOrder) string {
	w.t.Helper()
	w.must(c, by)
	return w.log[len(w.log)-1].Subject.ID
}

// order orders one of an item.
func (w *world) order(by Caller, item string) string {
	w.t.Helper()
	return w.place(by, PlaceOrder{Name: "Ada Lovelace", Items: []LineRequest{{Item: item, Quantity: 1}}, Note: "extra hot"})
}

// steps takes an order along its life.
func (w *world) steps(id string, steps ...Step) {
	w.t.Helper()
	for _, step := range steps {
		w.must(Advance{Order: id, Step: step}, bob)
	}
}

func (w *world) status(id string) Status {
	o, _ := w.s.Order(id)
	return o.Status
}

func (w *world) snapshot() string { return snapshotOf(w.t, w.s) }

func snapshotOf(t testing.TB, s *State) string {
	t.Helper()
	b, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// timers returns the timers that the clock waits for.
func (w *world) timers() []Timer {
	w.t.Helper()
	var list []Timer
	for _, key := range slices.Sorted(maps.Keys(w.topics.live(event.Timers))) {
		list = append(list, decode[Timer](w.t, w.topics.live(event.Timers)[key]))
	}
	return list
}
