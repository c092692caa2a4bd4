package cafe

import (
	"slices"

	"everything.local/event"
)

const (
	// answersKept bounds the commands remembered per aggregate. A retry comes
	// within minutes; only items see more commands than this in their life,
	// and the log itself recognises any retry however old.
	answersKept = 16
	// forgottenKept bounds the customers whose forgetting commands are
	// remembered; the sequence of the last one is kept for all of them, as it
	// guards the next.
	forgottenKept = 1024
)

// aggregate is what the fold remembers of a subject in the log.
type aggregate struct {
	// last is the subject's newest event, which guards the next one.
	last uint64
	// answers are its newest commands, oldest first.
	answers []answer
}

// answer is a command and the event that it led to.
type answer struct {
	Command event.Command `json:"command"`
	Seq     uint64        `json:"seq"`
}

// Answered reports whether the command has led to an event of the subject, and
// to which. The error has code IdempotencyMismatch when it did so with another
// body. A subject that is kept no longer is not found; Decide then says that
// it is archived.
func (s *State) Answered(sub event.Subject, cmd event.Command) (seq uint64, found bool, err error) {
	a, ok := s.aggregates[sub]
	if !ok || cmd.ID == "" {
		return 0, false, nil
	}
	for _, past := range a.answers {
		if past.Command.ID != cmd.ID {
			continue
		}
		if past.Command.Digest != cmd.Digest {
			return 0, false, event.Errorf(event.IdempotencyMismatch, "this Idempotency-Key was used for another request; take a new key for a new request")
		}
		return past.Seq, true, nil
	}
	return 0, false, nil
}

// last returns the subject's newest event, 0 for none.
func (s *State) last(sub event.Subject) uint64 {
	if a, ok := s.aggregates[sub]; ok {
		return a.last
	}
	return 0
}

// remember notes an event that has been folded in its aggregate.
func (s *State) remember(e event.Event) {
	if _, kept := s.orders[e.Subject.ID]; e.Subject.Kind == event.KindOrder && !kept {
		return
	}
	a, ok := s.aggregates[e.Subject]
	if !ok {
		a = &aggregate{}
		s.aggregates[e.Subject] = a
	}
	a.last = e.Seq
	if e.Command.ID != "" {
		a.answers = append(a.answers, answer{e.Command, e.Seq})
		a.answers = slices.Delete(a.answers, 0, max(0, len(a.answers)-answersKept))
	}
	if e.Subject.Kind == event.KindCustomer {
		s.rememberForgotten(e.Subject.ID)
	}
}

func (s *State) rememberForgotten(customer string) {
	s.forgotten = slices.DeleteFunc(s.forgotten, func(c string) bool { return c == customer })
	s.forgotten = append(s.forgotten, customer)
	if len(s.forgotten) > forgottenKept {
		s.aggregates[event.Subject{Kind: event.KindCustomer, ID: s.forgotten[0]}].answers = nil
		s.forgotten = slices.Delete(s.forgotten, 0, 1)
	}
}
