package logtest

import (
	"context"
	"errors"
	"sync"

	"everything.local/event"
)

func tailFromEveryPosition(s *suite) {
	const n = 6
	before := s.head(0)
	cmds, writes := make([]event.Command, n), make([]event.Write, n)
	var want []event.Event
	for i := range n {
		cmds[i], writes[i] = command(), write(order(), 0, i)
		want = append(want, stored(writes[i], cmds[i], s.append(i, cmds[i], writes[i]).Seq))
	}
	s.restart()
	for i := range n {
		s.diff("tail", want[i:], s.tail(i, before+uint64(i), n-i))
	}
	all := s.tail(1, 0, int(before)+n)
	for i, e := range all {
		if e.Seq != uint64(i)+1 {
			s.Fatalf("event %d of the log has sequence %d", i+1, e.Seq)
		}
	}
}

// tailLive follows each view while all are written to, cut after every seventh
// event and resumed where it was.
func tailLive(s *suite) {
	const writers, each = 4, 15
	before := s.head(0)
	tails := make([][]event.Event, len(s.Logs))
	var wg sync.WaitGroup
	for view := range s.Logs {
		wg.Go(func() {
			at := before
			for at < before+writers*each {
				n := min(7, before+writers*each-at)
				got, err := s.follow(view, at, int(n))
				if err != nil {
					s.Errorf("tail: %v", err)
					return
				}
				tails[view] = append(tails[view], got...)
				at = got[len(got)-1].Seq
			}
		})
	}
	for w := range writers {
		wg.Go(func() {
			a, last := order(), uint64(0)
			for i := range each {
				r, err := s.log(w+i).Append(s.Context(), command(), write(a, last, i))
				if err != nil {
					s.Errorf("append: %v", err)
					return
				}
				last = r.Seq
			}
		})
	}
	wg.Wait()
	for view, events := range tails {
		for i, e := range events {
			if e.Seq != before+uint64(i)+1 {
				s.Fatalf("view %d: event %d after %d has sequence %d", view, i+1, before, e.Seq)
			}
		}
		s.diff("views", tails[0], events)
	}
}

// follow is tail for goroutines other than the test's.
func (s *suite) follow(view int, after uint64, n int) ([]event.Event, error) {
	enough := errors.New("enough")
	var events []event.Event
	err := s.log(view).Tail(s.Context(), after, func(e event.Event) error {
		if events = append(events, e); len(events) == n {
			return enough
		}
		return nil
	})
	if errors.Is(err, enough) {
		err = nil
	}
	return events, err
}

// tailAhead is a follower that knows more than the log does yet.
func tailAhead(s *suite) {
	ahead := s.head(0) + 2
	got := make(chan []event.Event, 1)
	var err error
	var wg sync.WaitGroup
	wg.Go(func() {
		var events []event.Event
		events, err = s.follow(1, ahead, 1)
		got <- events
	})
	for i := range 3 {
		s.append(0, command(), write(order(), 0, i))
	}
	events := <-got
	wg.Wait()
	s.must(err)
	if events[0].Seq != ahead+1 {
		s.Errorf("a tail after %d begins with %d", ahead, events[0].Seq)
	}
}

func tailEnds(s *suite) {
	r := s.append(0, command(), write(order(), 0, 1))
	mine := errors.New("mine")
	if err := s.log(1).Tail(s.Context(), r.Seq-1, func(event.Event) error { return mine }); !errors.Is(err, mine) {
		s.Errorf("tail returned %v, fn %v", err, mine)
	}
	ctx, cancel := context.WithCancelCause(s.Context())
	why := errors.New("why")
	err := s.log(1).Tail(ctx, r.Seq-1, func(event.Event) error { cancel(why); return nil })
	if !errors.Is(err, why) {
		s.Errorf("tail returned %v, the cause was %v", err, why)
	}
	if err := s.log(1).Tail(ctx, 0, func(event.Event) error { return mine }); !errors.Is(err, why) {
		s.Errorf("tail with an ended context returned %v", err)
	}
}

func endedContext(s *suite) {
	ctx, cancel := context.WithCancelCause(s.Context())
	why := errors.New("why")
	cancel(why)
	a, before := order(), s.head(0)
	_, errAppend := s.log(0).Append(ctx, command(), write(a, 0, 1))
	_, errRead := s.log(0).Read(ctx, a)
	_, errHead := s.log(0).Head(ctx)
	_, errForget := s.log(0).Forget(ctx, event.NewID(), "")
	for name, err := range map[string]error{"append": errAppend, "read": errRead, "head": errHead, "forget": errForget} {
		if !errors.Is(err, event.ErrUnavailable) || !errors.Is(err, why) {
			s.Errorf("%s: %v; want ErrUnavailable and the cause", name, err)
		}
	}
	if head := s.head(0); head != before {
		s.Errorf("head went from %d to %d", before, head)
	}
}
