package streams

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"everything.local/event"

	"github.com/nats-io/nats.go/jetstream"
)

// historyCommands bounds the commands remembered in memory, 200 bytes each. An
// order has about five, so this is the last thousands of orders; what is not
// remembered is read again.
const historyCommands = 16_384

// history remembers which commands aggregates were written by, so that a retry
// is recognised however old it is without reading the aggregate each time.
//
// It holds, for each subject, all commands up to some sequence. A subject is
// extended only by the event that follows the one it is at, so there is never
// a hole in it.
type history struct {
	mu       sync.Mutex
	subjects map[event.Subject]*list.Element // of *past
	recent   *list.List                      // most recently used first
	size     int                             // commands in all of them
}

type past struct {
	subject  event.Subject
	upto     uint64
	commands map[string]answer // by command id
}

// answer is how a command was answered in one aggregate: with the sequence of
// the last event it wrote there.
type answer struct {
	seq    uint64
	digest string
}

func newHistory() *history {
	return &history{subjects: make(map[event.Subject]*list.Element), recent: list.New()}
}

// look returns the answer to the command in what is remembered of subject,
// and up to which sequence that is.
func (h *history) look(subject event.Subject, command string) (a answer, found bool, upto uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e, ok := h.subjects[subject]
	if !ok {
		return answer{}, false, 0
	}
	h.recent.MoveToFront(e)
	p := e.Value.(*past)
	a, found = p.commands[command]
	return a, found, p.upto
}

// extend adds the event at seq, which follows that at prev in its subject.
func (h *history) extend(subject event.Subject, prev, seq uint64, cmd event.Command) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e, ok := h.subjects[subject]
	if !ok {
		if prev != 0 {
			return
		}
		e = h.recent.PushFront(&past{subject: subject, commands: make(map[string]answer)})
		h.subjects[subject] = e
	}
	p := e.Value.(*past)
	if p.upto != prev {
		return
	}
	p.upto = seq
	h.size -= len(p.commands)
	p.commands[cmd.ID] = answer{seq, cmd.Digest}
	h.size += len(p.commands)
	h.trim()
}

// stored adds what one append wrote, the last event of it at seq.
func (h *history) stored(cmd event.Command, writes []event.Write, seq uint64) {
	prev := make(map[event.Subject]uint64, len(writes))
	for _, w := range guards(writes) {
		prev[w.Subject] = w.Expected
	}
	for i, w := range writes {
		at := seq - uint64(len(writes)-1-i)
		h.extend(w.Subject, prev[w.Subject], at, cmd)
		prev[w.Subject] = at
	}
}

// trim forgets whole subjects, the longest unused first, but never the one in
// use.
func (h *history) trim() {
	for h.size > historyCommands && h.recent.Len() > 1 {
		e := h.recent.Back()
		p := h.recent.Remove(e).(*past)
		delete(h.subjects, p.subject)
		h.size -= len(p.commands)
	}
}

// reach says how far answered has to look.
type reach int

const (
	toExpected reach = iota // what the guards do not cover
	toHead                  // everything
)

// answered looks for an earlier try of cmd in the aggregates it writes to.
func (l *Log) answered(ctx context.Context, cmd event.Command, writes []event.Write, far reach) (event.Receipt, error) {
	var r event.Receipt
	for _, w := range guards(writes) {
		upto := w.Expected
		if far == toHead {
			upto = math.MaxUint64
		}
		a, found, err := l.find(ctx, w.Subject, cmd.ID, upto)
		if err != nil {
			return event.Receipt{}, err
		}
		if !found {
			continue
		}
		if a.digest != cmd.Digest {
			return event.Receipt{}, event.ErrMismatch
		}
		r = event.Receipt{Seq: max(r.Seq, a.seq), Duplicate: true}
	}
	return r, nil
}

// find looks for a command among a subject's events up to the sequence given,
// reading those that are not remembered.
func (l *Log) find(ctx context.Context, subject event.Subject, command string, upto uint64) (answer, bool, error) {
	a, found, from := l.history.look(subject, command)
	if from >= upto {
		return a, found, nil
	}
	err := l.each(ctx, subject, from, upto, func(e event.Event, _ *event.Sealed) error {
		l.history.extend(subject, from, e.Seq, e.Command)
		if from = e.Seq; e.Command.ID == command {
			a, found = answer{e.Seq, e.Command.Digest}, true
		}
		return nil
	})
	return a, found, err
}

// each reads the events of a subject after one sequence up to another from the
// leader, with their personal fields still sealed.
func (l *Log) each(ctx context.Context, subject event.Subject, after, upto uint64, fn func(event.Event, *event.Sealed) error) error {
	for after < upto {
		var m stored
		err := l.node.retry(ctx, func(ctx context.Context) (err error) {
			m, err = l.node.getNext(ctx, logStream, logPrefix+subject.String(), after+1)
			return err
		})
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("streams: read %s: %w", subject, err)
		}
		e, sealed, err := decode(m.Subject, m.Seq, m.Data)
		if err != nil {
			return err
		}
		if err := fn(e, sealed); err != nil {
			return err
		}
		after = m.Seq
	}
	return nil
}
