package streams

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"everything.local/event"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Log is the site's log.
type Log struct {
	// OnAppend, if set before the log is used, is told how long each Append
	// took and how it ended. It must not block.
	OnAppend func(time.Duration, error)

	node    *Node
	history *history
	window  *window
	// send stores messages, all or none, and returns the last one's sequence.
	// Tests lose its answers.
	send func(context.Context, []*nats.Msg) (uint64, error)
	// written is when an append or probe last succeeded, in Unix nanoseconds;
	// 0 when one has failed since.
	written atomic.Int64
}

var _ event.Log = (*Log)(nil)

func newLog(n *Node) *Log {
	l := &Log{node: n, history: newHistory(), window: newWindow(n.conn.PublishMsg)}
	l.send = l.publish
	return l
}

// Append implements event.Log, except that it does not wait for a log that has
// failed: the error wraps event.ErrFailed then, too. What is stored already is
// answered nevertheless.
func (l *Log) Append(ctx context.Context, cmd event.Command, writes ...event.Write) (event.Receipt, error) {
	start := time.Now()
	receipt, err := l.append(ctx, cmd, writes)
	switch {
	case err == nil:
		l.written.Store(time.Now().UnixNano())
		l.node.high.reach(receipt.Seq)
	case errors.Is(err, event.ErrUnavailable):
		l.written.Store(0)
	}
	if l.OnAppend != nil {
		l.OnAppend(time.Since(start), err)
	}
	return receipt, err
}

func (l *Log) append(ctx context.Context, cmd event.Command, writes []event.Write) (event.Receipt, error) {
	if err := event.CheckAppend(cmd, writes); err != nil {
		return event.Receipt{}, err
	}
	if receipt, err := l.answered(ctx, cmd, writes, toExpected); err != nil || receipt.Duplicate {
		return receipt, err
	}
	ctx, cancel := l.node.whileWritable(ctx)
	defer cancel()
	msgs, err := l.encode(ctx, cmd, writes)
	if err != nil {
		return event.Receipt{}, err
	}
	var receipt event.Receipt
	err = l.node.insist(ctx, func(ctx context.Context) error {
		receipt, err = l.try(ctx, cmd, writes, msgs)
		return err
	})
	return receipt, err
}

// try sends the messages once. A conflict may be the trace of an earlier try
// whose answer was lost, which is looked for before anything else is said.
func (l *Log) try(ctx context.Context, cmd event.Command, writes []event.Write, msgs []*nats.Msg) (event.Receipt, error) {
	seq, err := l.send(ctx, msgs)
	if err == nil {
		l.history.stored(cmd, writes, seq)
		return event.Receipt{Seq: seq}, nil
	}
	if code(err) != codeWrongLast {
		return event.Receipt{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	receipt, e := l.answered(ctx, cmd, writes, toHead)
	if e != nil || receipt.Duplicate {
		return receipt, e
	}
	return event.Receipt{}, l.conflict(ctx, writes)
}

// conflict says which subject has moved on.
func (l *Log) conflict(ctx context.Context, writes []event.Write) error {
	for _, w := range guards(writes) {
		last, err := l.at(ctx, w.Subject)
		if err != nil {
			return err
		}
		if last != w.Expected {
			return &event.ConflictError{Subject: w.Subject, Expected: w.Expected, Last: last}
		}
	}
	// None has: the answer was of a leader that is none any more.
	return errAgain
}

// guards returns the writes that carry a guard: the first of each subject.
// JetStream refuses guards on the others, which follow it in the same batch.
func guards(writes []event.Write) []event.Write {
	var first []event.Write
	seen := make(map[event.Subject]bool, len(writes))
	for _, w := range writes {
		if !seen[w.Subject] {
			seen[w.Subject] = true
			first = append(first, w)
		}
	}
	return first
}

// encode makes the messages of an append, with sealed fields and guards.
func (l *Log) encode(ctx context.Context, cmd event.Command, writes []event.Write) ([]*nats.Msg, error) {
	msgs := make([]*nats.Msg, len(writes))
	guarded := make(map[event.Subject]bool, len(writes))
	for i, w := range writes {
		e := w.Event
		e.Command = cmd
		sealed, err := l.node.keys.seal(ctx, e.Customer, w.Subject, e.Personal)
		if err != nil {
			return nil, err
		}
		m := nats.NewMsg(logPrefix + w.Subject.String())
		if m.Data, err = event.Encode(e, sealed); err != nil {
			return nil, err
		}
		if !guarded[w.Subject] {
			guarded[w.Subject] = true
			m.Header.Set("Nats-Expected-Last-Subject-Sequence", strconv.FormatUint(w.Expected, 10))
		}
		msgs[i] = m
	}
	return msgs, nil
}

// publish sends one message as it is and several as an atomic batch (NATS
// ADR-50), which costs many times as much when there is no cluster.
func (l *Log) publish(ctx context.Context, msgs []*nats.Msg) (uint64, error) {
	last := len(msgs) - 1
	if last > 0 {
		batch := event.NewID() // a new one for each try
		for i, m := range msgs {
			m.Header.Set("Nats-Batch-Id", batch)
			m.Header.Set("Nats-Batch-Sequence", strconv.Itoa(i+1))
		}
		msgs[last].Header.Set("Nats-Batch-Commit", "1")
	}
	return l.window.do(ctx, msgs)
}

// at returns the sequence the subject is at, 0 if it has no events, as its
// leader knows it.
func (l *Log) at(ctx context.Context, subject event.Subject) (uint64, error) {
	m, err := l.node.getLast(ctx, logStream, logPrefix+subject.String())
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return m.Seq, nil
}

// InFlight returns how many appends are on their way to the stream, and how
// many wait for those to be answered. It may be called at any time.
func (l *Log) InFlight() (sent, waiting int) { return l.window.load() }

// Head implements event.Log.
func (l *Log) Head(ctx context.Context) (uint64, error) {
	state, err := l.state(ctx)
	return state.LastSeq, err
}

// state asks the stream's leader how far the log is.
func (l *Log) state(ctx context.Context) (state jetstream.StreamState, err error) {
	err = l.node.retry(ctx, func(ctx context.Context) error {
		s, err := l.node.js.Stream(ctx, logStream)
		if err == nil {
			state = s.CachedInfo().State
		}
		return err
	})
	if err != nil {
		return state, fmt.Errorf("streams: head: %w", err)
	}
	return state, nil
}
