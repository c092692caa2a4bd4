package logtest

import (
	"errors"
	"sync"

	"everything.local/event"
)

func lateRetry(s *suite) {
	a, cmd := order(), command()
	first := s.append(0, cmd, write(a, 0, 1))
	last := first.Seq
	for i := range 8 {
		last = s.append(i, command(), write(a, last, 2+i)).Seq
	}
	s.restart()
	// The retry may be decided anew, from whatever its hub knows by then.
	for i, expected := range []uint64{0, first.Seq, last, last + 100} {
		again := s.append(i, cmd, write(a, expected, 1))
		s.diff("retry", event.Receipt{Seq: first.Seq, Duplicate: true}, again)
	}
	if n := len(s.read(1, a)); n != 9 {
		s.Errorf("%d events are stored, want 9", n)
	}
}

func lateRetryOfSeveral(s *suite) {
	a, b, cmd := order(), order(), command()
	first := s.append(0, cmd, write(a, 0, 1), write(b, 0, 2))
	last := s.append(1, command(), write(a, first.Seq-1, 3)).Seq
	s.restart()
	for i, expected := range [][2]uint64{{0, 0}, {last, first.Seq}, {0, first.Seq}, {last, 0}} {
		again := s.append(i, cmd, write(a, expected[0], 1), write(b, expected[1], 2))
		s.diff("retry", event.Receipt{Seq: first.Seq, Duplicate: true}, again)
	}
	s.diff("events of b", []uint64{first.Seq}, s.seqs(2, b))
}

func otherDigest(s *suite) {
	a, cmd := order(), command()
	r := s.append(0, cmd, write(a, 0, 1))
	s.restart()
	other := cmd
	other.Digest = event.Digest([]byte("something else"))
	for i, expected := range []uint64{0, r.Seq} {
		if _, err := s.log(i).Append(s.Context(), other, write(a, expected, 2)); !errors.Is(err, event.ErrMismatch) {
			s.Errorf("expecting %d: got %v, want ErrMismatch", expected, err)
		}
	}
	s.diff("events", []uint64{r.Seq}, s.seqs(1, a))
}

// otherSubjects is what a de-duplication that is one for the whole log gets
// wrong: it answers the second with the first one's sequence.
func otherSubjects(s *suite) {
	a, b, cmd := order(), order(), command()
	ra := s.append(0, cmd, write(a, 0, 1))
	rb := s.append(1, cmd, write(b, 0, 2))
	s.diff("the second", event.Receipt{Seq: ra.Seq + 1}, rb)
	s.restart()
	s.diff("events of a", []uint64{ra.Seq}, s.seqs(2, a))
	s.diff("events of b", []uint64{rb.Seq}, s.seqs(2, b))
}

// retried appends until there is an answer, as a caller does whose time was up
// before the log had asked again by itself.
func (s *suite) retried(view int, cmd event.Command, writes ...event.Write) event.Receipt {
	s.Helper()
	r, err := s.log(view).Append(s.Context(), cmd, writes...)
	if errors.Is(err, event.ErrUnavailable) {
		r, err = s.log(view).Append(s.Context(), cmd, writes...)
	}
	s.must(err)
	return r
}

func lostAnswer(s *suite) {
	for view := range s.Logs {
		a, cmd := order(), command()
		r1 := s.append(view+1, command(), write(a, 0, 1))
		s.LoseNextAnswer(view)
		r2 := s.retried(view, cmd, write(a, r1.Seq, 2))
		s.diff("retry", event.Receipt{Seq: r1.Seq + 1, Duplicate: true}, r2)
		s.diff("events", []uint64{r1.Seq, r2.Seq}, s.seqs(view+1, a))
		again := s.append(view+1, cmd, write(a, r2.Seq, 2))
		s.diff("another retry", event.Receipt{Seq: r2.Seq, Duplicate: true}, again)
	}
}

func lostAnswerToSeveral(s *suite) {
	for view := range s.Logs {
		a, b, cmd := order(), order(), command()
		before := s.head(view)
		s.LoseNextAnswer(view)
		r := s.retried(view, cmd, write(a, 0, 1), write(b, 0, 2))
		s.diff("retry", event.Receipt{Seq: before + 2, Duplicate: true}, r)
		s.diff("events of a", []uint64{before + 1}, s.seqs(view+1, a))
		s.diff("events of b", []uint64{before + 2}, s.seqs(view+1, b))
	}
}

func lostAnswerThenOthers(s *suite) {
	a, cmd := order(), command()
	s.LoseNextAnswer(0)
	first := s.retried(0, cmd, write(a, 0, 1))
	second := s.append(1, command(), write(a, first.Seq, 2))
	s.restart()
	again := s.append(2, cmd, write(a, second.Seq, 1))
	s.diff("retry", event.Receipt{Seq: first.Seq, Duplicate: true}, again)
}

func sixAtOnce(s *suite) {
	for _, batch := range []bool{false, true} {
		a, b, cmd := order(), order(), command()
		writes := []event.Write{write(a, 0, 1)}
		if batch {
			writes = append(writes, write(b, 0, 2))
		}
		receipts, errs := make([]event.Receipt, 6), make([]error, 6)
		var wg sync.WaitGroup
		for i := range receipts {
			wg.Go(func() { receipts[i], errs[i] = s.log(i).Append(s.Context(), cmd, writes...) })
		}
		wg.Wait()
		s.must(errors.Join(errs...))
		firsts := 0
		for _, r := range receipts {
			if r.Seq != receipts[0].Seq {
				s.Errorf("one command has the receipts %v", receipts)
			}
			if !r.Duplicate {
				firsts++
			}
		}
		if n := len(s.read(0, a)); n != 1 || firsts != 1 {
			s.Errorf("%d are stored, %d receipts say they are the first", n, firsts)
		}
	}
}
