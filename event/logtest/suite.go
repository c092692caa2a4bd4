// Package logtest is the contract of event.Log as scenarios that every log
// passes, with one view of it or several, across restarts and lost answers.
package logtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"everything.local/event"

	"github.com/google/go-cmp/cmp"
)

// Harness is a log under test.
type Harness struct {
	// Logs are views of one log, such as the replicas of a cluster. There is
	// at least one. It need not be empty.
	Logs []event.Log
	// LoseNextAnswer makes the next append that is stored through the view
	// lose its answer on the way back.
	LoseNextAnswer func(view int)
	// Restart closes all views and opens the same log again, if that can be
	// done. Scenarios call it between writing and looking.
	Restart func() []event.Log
}

// Run runs every scenario on the log that open returns. open may return the
// same one again. A log that never answers hangs until go test's own timeout.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) { sc.run(&suite{T: t, Harness: open(t)}) })
	}
}

var scenarios = []struct {
	name string
	run  func(*suite)
}{
	{"append one", appendOne},
	{"append several", appendSeveral},
	{"append several to one subject", appendSeveralToOne},
	{"all or nothing", allOrNothing},
	{"guards", guards},
	{"one of 32 racing writers wins", racingWriters},
	{"a batch races with a write", batchRacesWithWrite},
	{"a retry in another year", lateRetry},
	{"a retry of several", lateRetryOfSeveral},
	{"a command id with another body", otherDigest},
	{"a command id in other aggregates", otherSubjects},
	{"a lost answer", lostAnswer},
	{"a lost answer to several", lostAnswerToSeveral},
	{"a lost answer, then others write", lostAnswerThenOthers},
	{"six identical appends at once", sixAtOnce},
	{"read what another view wrote", readAcrossViews},
	{"tail from every position", tailFromEveryPosition},
	{"tail live, cut and resumed", tailLive},
	{"tail ahead of the log", tailAhead},
	{"tail ends", tailEnds},
	{"personal fields", personalFields},
	{"all views meet a new customer", newCustomer},
	{"forget", forget},
	{"forget with another key's id", forgetOtherKey},
	{"too large", tooLarge},
	{"refused before anything is stored", refused},
	{"an ended context", endedContext},
}

// suite is one scenario's run.
type suite struct {
	*testing.T
	Harness
}

// log returns the i-th view, round and round.
func (s *suite) log(i int) event.Log { return s.Logs[i%len(s.Logs)] }

func (s *suite) restart() {
	if s.Restart != nil {
		s.Logs = s.Restart()
	}
}

func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) append(view int, cmd event.Command, writes ...event.Write) event.Receipt {
	s.Helper()
	r, err := s.log(view).Append(s.Context(), cmd, writes...)
	s.must(err)
	return r
}

func (s *suite) head(view int) uint64 {
	s.Helper()
	seq, err := s.log(view).Head(s.Context())
	s.must(err)
	return seq
}

func (s *suite) read(view int, subject event.Subject) []event.Event {
	s.Helper()
	events, err := s.log(view).Read(s.Context(), subject)
	s.must(err)
	return events
}

// seqs reads a subject's sequences.
func (s *suite) seqs(view int, subject event.Subject) []uint64 {
	s.Helper()
	var seqs []uint64
	for _, e := range s.read(view, subject) {
		seqs = append(seqs, e.Seq)
	}
	return seqs
}

// tail follows until it has n events.
func (s *suite) tail(view int, after uint64, n int) []event.Event {
	s.Helper()
	enough := errors.New("enough")
	var events []event.Event
	err := s.log(view).Tail(s.Context(), after, func(e event.Event) error {
		if events = append(events, e); len(events) == n {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		s.Fatalf("tail after %d had %d of %d events, then %v", after, len(events), n, err)
	}
	return events
}

// conflict checks that err is a conflict of subject, which is at last.
func (s *suite) conflict(err error, subject event.Subject, last uint64) {
	s.Helper()
	c, ok := errors.AsType[*event.ConflictError](err)
	if !ok {
		s.Fatalf("got %v, want a conflict", err)
	}
	if c.Subject != subject || c.Last != last {
		s.Errorf("conflict: %v; want one of %s at %d", err, subject, last)
	}
}

func (s *suite) diff(what string, want, got any) {
	s.Helper()
	if d := cmp.Diff(want, got); d != "" {
		s.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func command() event.Command {
	return event.Command{ID: event.CommandID("suite", "POST", "/", event.NewID()), Digest: event.Digest(nil)}
}

func order() event.Subject { return event.Subject{Kind: event.KindOrder, ID: event.NewID()} }

// write is an event that says n.
func write(subject event.Subject, expected uint64, n int) event.Write {
	return event.Write{Subject: subject, Expected: expected, Event: event.Event{
		Type: "order.placed", Version: 1, By: "customer/a",
		Time: time.Date(2026, 11, 22, 8, 0, 0, int(7*time.Millisecond), time.UTC),
		Data: json.RawMessage(fmt.Sprintf(`{"n":%d}`, n)),
	}}
}

// stored is the event as it must come back.
func stored(w event.Write, cmd event.Command, seq uint64) event.Event {
	e := w.Event
	e.Subject, e.Seq, e.Command = w.Subject, seq, cmd
	return e
}
