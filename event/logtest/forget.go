package logtest

import (
	"encoding/json"
	"errors"
	"sync"

	"everything.local/event"
)

// personal is a write with a name in it.
func personal(subject event.Subject, expected uint64, customer, name string) event.Write {
	w := write(subject, expected, 1)
	w.Event.Customer = customer
	w.Event.Personal = json.RawMessage(`{"name":"` + name + `"}`)
	return w
}

// names reads the personal fields of the events after one sequence, by every
// view and by both ways of reading, which must agree.
func (s *suite) names(subject event.Subject, after uint64) []string {
	s.Helper()
	var names []string
	for view := range s.Logs {
		byRead := s.read(view, subject)
		s.diff("tail against read", byRead, s.tail(view, after, len(byRead)))
		var these []string
		for _, e := range byRead {
			if (e.Personal == nil) != e.Forgotten {
				s.Errorf("event %d: personal fields %s, forgotten %v", e.Seq, e.Personal, e.Forgotten)
			}
			these = append(these, string(e.Personal))
		}
		if view > 0 {
			s.diff("views", names, these)
		}
		names = these
	}
	return names
}

func personalFields(s *suite) {
	a, customer := order(), event.NewID()
	before := s.head(0)
	w, cmd := personal(a, 0, customer, "Ada"), command()
	r := s.append(0, cmd, w)
	s.diff("event", []event.Event{stored(w, cmd, r.Seq)}, s.read(1, a))
	s.append(1, command(), personal(a, r.Seq, customer, "Ada L."))
	s.restart()
	s.diff("names", []string{`{"name":"Ada"}`, `{"name":"Ada L."}`}, s.names(a, before))
}

// newCustomer has all views make a key at once: one of them counts.
func newCustomer(s *suite) {
	for range 5 {
		customer := event.NewID()
		subjects := make([]event.Subject, max(3, len(s.Logs)))
		errs := make([]error, len(subjects))
		var wg sync.WaitGroup
		for i := range subjects {
			subjects[i] = order()
			wg.Go(func() {
				_, errs[i] = s.log(i).Append(s.Context(), command(), personal(subjects[i], 0, customer, "Ada"))
			})
		}
		wg.Wait()
		s.must(errors.Join(errs...))
		for i, subject := range subjects {
			for _, e := range s.read(i+1, subject) {
				if string(e.Personal) != `{"name":"Ada"}` {
					s.Errorf("a name is lost: %+v", e)
				}
			}
		}
	}
}

func forget(s *suite) {
	a, ada, bob := order(), event.NewID(), event.NewID()
	before := s.head(0)
	r1 := s.append(0, command(), personal(a, 0, ada, "Ada"))
	r2 := s.append(1, command(), personal(a, r1.Seq, bob, "Bob"))
	s.diff("names", []string{`{"name":"Ada"}`, `{"name":"Bob"}`}, s.names(a, before))

	first, err := s.log(2).Forget(s.Context(), ada, "")
	s.must(err)
	if first == "" {
		s.Error("forget returned no key")
	}
	s.diff("names", []string{"", `{"name":"Bob"}`}, s.names(a, before))
	if e := s.read(0, a)[0]; e.Customer != ada || string(e.Data) != `{"n":1}` {
		s.Errorf("what is not personal is gone too: %+v", e)
	}
	none, err := s.log(0).Forget(s.Context(), ada, "")
	s.must(err)
	if none != "" {
		s.Errorf("forgetting again deleted the key %s", none)
	}

	// Whoever comes back gets a new key, whichever view they come to.
	last := r2.Seq
	for view := range s.Logs {
		last = s.append(view, command(), personal(a, last, ada, "Ada again")).Seq
	}
	s.restart()
	want := []string{"", `{"name":"Bob"}`}
	for range s.Logs {
		want = append(want, `{"name":"Ada again"}`)
	}
	s.diff("names", want, s.names(a, before))
	second, err := s.log(1).Forget(s.Context(), ada, "")
	s.must(err)
	if second == "" || second == first {
		s.Errorf("the second key is %q, the first was %q", second, first)
	}
}

func forgetOtherKey(s *suite) {
	a, ada := order(), event.NewID()
	before := s.head(0)
	r := s.append(0, command(), personal(a, 0, ada, "Ada"))
	old, err := s.log(1).Forget(s.Context(), ada, "")
	s.must(err)
	s.append(0, command(), personal(a, r.Seq, ada, "Ada"))
	// As a replay of customer.forgotten would ask.
	got, err := s.log(2).Forget(s.Context(), ada, old)
	s.must(err)
	if got != "" {
		s.Errorf("forget with the id of an old key deleted %s", got)
	}
	s.restart()
	s.diff("names", []string{"", `{"name":"Ada"}`}, s.names(a, before))
}
