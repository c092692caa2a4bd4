package logtest

import (
	"errors"
	"strings"
	"sync"

	"everything.local/event"
)

func appendOne(s *suite) {
	w, cmd := write(order(), 0, 1), command()
	before := s.head(0)
	r := s.append(0, cmd, w)
	s.diff("receipt", event.Receipt{Seq: before + 1}, r)
	s.restart()
	if head := s.head(0); head != r.Seq {
		s.Errorf("head is %d after an append at %d", head, r.Seq)
	}
	s.diff("read", []event.Event{stored(w, cmd, r.Seq)}, s.read(0, w.Subject))
	s.diff("tail", []event.Event{stored(w, cmd, r.Seq)}, s.tail(0, before, 1))
	if events := s.read(0, order()); len(events) != 0 {
		s.Errorf("another order has events: %v", events)
	}
}

func appendSeveral(s *suite) {
	a, b := order(), order()
	first := s.append(0, command(), write(b, 0, 0))
	cmd := command()
	ws := []event.Write{write(a, 0, 1), write(b, first.Seq, 2), write(order(), 0, 3)}
	r := s.append(1, cmd, ws...)
	s.diff("receipt", event.Receipt{Seq: first.Seq + 3}, r)
	s.restart()
	want := []event.Event{
		stored(ws[0], cmd, first.Seq+1), stored(ws[1], cmd, first.Seq+2), stored(ws[2], cmd, first.Seq+3),
	}
	s.diff("tail", want, s.tail(2, first.Seq, 3))
	s.diff("read", want[:1], s.read(2, a))
}

func appendSeveralToOne(s *suite) {
	a, b := order(), order()
	first := s.append(0, command(), write(a, 0, 0))
	cmd := command()
	r := s.append(1, cmd, write(a, first.Seq, 1), write(b, 0, 2), write(a, first.Seq, 3))
	s.diff("sequences", []uint64{first.Seq, r.Seq - 2, r.Seq}, s.seqs(0, a))
	next := s.append(2, command(), write(a, r.Seq, 4))
	s.restart()
	again := s.append(0, cmd, write(a, next.Seq, 1), write(b, 0, 2), write(a, next.Seq, 3))
	s.diff("retry", event.Receipt{Seq: r.Seq, Duplicate: true}, again)
}

func allOrNothing(s *suite) {
	a, b, c := order(), order(), order()
	r := s.append(0, command(), write(b, 0, 0))
	_, err := s.log(1).Append(s.Context(), command(), write(a, 0, 1), write(b, 0, 2), write(c, 0, 3))
	s.conflict(err, b, r.Seq)
	s.restart()
	if head := s.head(2); head != r.Seq {
		s.Errorf("head is %d after a refused batch, was %d", head, r.Seq)
	}
	for _, subject := range []event.Subject{a, c} {
		if events := s.read(0, subject); len(events) != 0 {
			s.Errorf("a refused batch left %v", events)
		}
	}
}

func guards(s *suite) {
	a := order()
	_, err := s.log(0).Append(s.Context(), command(), write(a, s.head(0)+1, 1))
	s.conflict(err, a, 0)
	r1 := s.append(0, command(), write(a, 0, 1))
	r2 := s.append(1, command(), write(a, r1.Seq, 2))
	s.restart()
	for _, stale := range []uint64{0, r1.Seq, r2.Seq + 1} {
		_, err := s.log(2).Append(s.Context(), command(), write(a, stale, 3))
		s.conflict(err, a, r2.Seq)
	}
	s.diff("sequences", []uint64{r1.Seq, r2.Seq}, s.seqs(0, a))
}

func racingWriters(s *suite) {
	const writers = 32
	a := order()
	var wg sync.WaitGroup
	errs := make([]error, writers)
	won := make([]event.Receipt, writers)
	for i := range writers {
		wg.Go(func() { won[i], errs[i] = s.log(i).Append(s.Context(), command(), write(a, 0, i)) })
	}
	wg.Wait()
	var winner event.Receipt
	conflicts := 0
	for i, err := range errs {
		if c, ok := errors.AsType[*event.ConflictError](err); ok && c.Last != 0 {
			conflicts++
			continue
		}
		s.must(err)
		winner = won[i]
	}
	if conflicts != writers-1 {
		s.Errorf("%d conflicts among %d writers", conflicts, writers)
	}
	s.diff("stored", []uint64{winner.Seq}, s.seqs(0, a))
}

// batchRacesWithWrite is what a guard by wildcard loses on replicas.
func batchRacesWithWrite(s *suite) {
	for round := range 20 {
		x, y := order(), order()
		var wg sync.WaitGroup
		var batch, single error
		wg.Go(func() {
			_, batch = s.log(round).Append(s.Context(), command(), write(x, 0, 1), write(y, 0, 2))
		})
		wg.Go(func() {
			_, single = s.log(round+1).Append(s.Context(), command(), write(y, 0, 3))
		})
		wg.Wait()
		if (batch == nil) == (single == nil) {
			s.Fatalf("round %d: the batch says %v, the write %v; one of them had to win", round, batch, single)
		}
		if _, ok := errors.AsType[*event.ConflictError](errors.Join(batch, single)); !ok {
			s.Fatalf("round %d: the loser says %v", round, errors.Join(batch, single))
		}
		if nx, ny := len(s.read(round, x)), len(s.read(round, y)); ny != 1 || (nx == 1) != (batch == nil) {
			s.Fatalf("round %d: %d events of x and %d of y are stored, the batch says %v", round, nx, ny, batch)
		}
	}
}

func readAcrossViews(s *suite) {
	a := order()
	var last uint64
	for i := range 30 {
		last = s.append(i, command(), write(a, last, i)).Seq
		if events := s.read(i+1, a); len(events) != i+1 {
			s.Fatalf("%d of %d events are there right after the append", len(events), i+1)
		}
		if head := s.head(i + 2); head < last {
			s.Fatalf("head is %d after an append at %d", head, last)
		}
	}
}

func tooLarge(s *suite) {
	a, before := order(), s.head(0)
	big := write(a, 0, 1)
	big.Event.Data = []byte(`{"s":"` + strings.Repeat("x", event.MaxEventBytes) + `"}`)
	for _, ws := range [][]event.Write{{big}, {write(order(), 0, 1), big}} {
		if _, err := s.log(0).Append(s.Context(), command(), ws...); event.CodeOf(err) != event.TooLarge {
			s.Errorf("an event over the limit: %v", err)
		}
	}
	if head := s.head(0); head != before {
		s.Errorf("head went from %d to %d", before, head)
	}
	// The largest that fits goes in and comes out.
	big.Event.Data = []byte(`{"s":"` + strings.Repeat("x", event.MaxEventBytes-512) + `"}`)
	r := s.append(0, command(), big)
	s.restart()
	if events := s.read(0, a); len(events) != 1 || events[0].Seq != r.Seq || len(events[0].Data) != len(big.Event.Data) {
		s.Errorf("the largest event did not come back")
	}
}

func refused(s *suite) {
	before := s.head(0)
	nobodys := write(order(), 0, 1)
	nobodys.Event.Personal = []byte(`{"name":"Ada"}`)
	many := make([]event.Write, event.MaxWrites+1)
	for i := range many {
		many[i] = write(order(), 0, i)
	}
	for _, tc := range []struct {
		name   string
		cmd    event.Command
		writes []event.Write
	}{
		{"no command", event.Command{}, []event.Write{write(order(), 0, 1)}},
		{"nothing", command(), nil},
		{"no subject", command(), []event.Write{write(event.Subject{}, 0, 1)}},
		{"a wildcard", command(), []event.Write{write(event.Subject{Kind: event.KindOrder, ID: ">"}, 0, 1)}},
		{"personal fields of nobody", command(), []event.Write{nobodys}},
		{"too many", command(), many},
	} {
		if _, err := s.log(0).Append(s.Context(), tc.cmd, tc.writes...); err == nil {
			s.Errorf("%s: stored", tc.name)
		}
	}
	if head := s.head(0); head != before {
		s.Errorf("head went from %d to %d", before, head)
	}
}
