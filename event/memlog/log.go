package memlog

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"everything.local/event"
)

// Log is an event.Log in memory. It never trims; it lives as long as a test.
type Log struct {
	mu       sync.Mutex
	records  []record                   // records[i] has sequence i+1
	subjects map[event.Subject][]uint64 // sequences of each, ascending
	commands map[commandOf]answer       // what was answered, for ever
	keys     map[string]event.Key       // by customer
	changed  chan struct{}              // closed and replaced when mu's state changes
	down     bool                       // appends wait
	lose     int                        // answers still to be lost
}

var _ event.Log = (*Log)(nil)

type record struct {
	subject event.Subject
	bytes   []byte // as event.Encode made them
}

// commandOf is the identity of an answer: a command id is the caller's, and
// means nothing outside the aggregate it was used on.
type commandOf struct {
	subject event.Subject
	id      string
}

type answer struct {
	seq    uint64
	digest string
}

// New returns an empty log.
func New() *Log {
	return &Log{
		subjects: make(map[event.Subject][]uint64),
		commands: make(map[commandOf]answer),
		keys:     make(map[string]event.Key),
		changed:  make(chan struct{}),
	}
}

// Append implements event.Log.
func (l *Log) Append(ctx context.Context, cmd event.Command, writes ...event.Write) (event.Receipt, error) {
	if err := event.CheckAppend(cmd, writes); err != nil {
		return event.Receipt{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for ctx.Err() == nil && l.down {
		l.wait(ctx)
	}
	if ctx.Err() != nil {
		return event.Receipt{}, unavailable(ctx)
	}
	receipt, err := l.append(cmd, writes)
	if err == nil && l.lose > 0 {
		l.lose--
		return event.Receipt{}, fmt.Errorf("%w: the answer was lost", event.ErrUnavailable)
	}
	return receipt, err
}

func (l *Log) append(cmd event.Command, writes []event.Write) (event.Receipt, error) {
	if receipt, err := l.answered(cmd, writes); err != nil || receipt.Duplicate {
		return receipt, err
	}
	if err := l.guard(writes); err != nil {
		return event.Receipt{}, err
	}
	records := make([]record, len(writes))
	for i, w := range writes {
		b, err := l.encode(cmd, w)
		if err != nil {
			return event.Receipt{}, err
		}
		records[i] = record{w.Subject, b}
	}
	for _, r := range records {
		l.records = append(l.records, r)
		seq := uint64(len(l.records))
		l.subjects[r.subject] = append(l.subjects[r.subject], seq)
		l.commands[commandOf{r.subject, cmd.ID}] = answer{seq, cmd.Digest}
	}
	l.wake()
	return event.Receipt{Seq: uint64(len(l.records))}, nil
}

// answered looks for an earlier try of cmd in the aggregates it writes to.
func (l *Log) answered(cmd event.Command, writes []event.Write) (event.Receipt, error) {
	var r event.Receipt
	for _, w := range writes {
		a, ok := l.commands[commandOf{w.Subject, cmd.ID}]
		if !ok {
			continue
		}
		if a.digest != cmd.Digest {
			return event.Receipt{}, event.ErrMismatch
		}
		r = event.Receipt{Seq: max(r.Seq, a.seq), Duplicate: true}
	}
	return r, nil
}

// guard compares each subject with what its first write expects; later writes
// of the same Append to it follow that one.
func (l *Log) guard(writes []event.Write) error {
	seen := make(map[event.Subject]bool, len(writes))
	for _, w := range writes {
		if last := l.at(w.Subject); !seen[w.Subject] && last != w.Expected {
			return &event.ConflictError{Subject: w.Subject, Expected: w.Expected, Last: last}
		}
		seen[w.Subject] = true
	}
	return nil
}

// at returns the sequence a subject is at, 0 if it has no events.
func (l *Log) at(subject event.Subject) uint64 {
	seqs := l.subjects[subject]
	if len(seqs) == 0 {
		return 0
	}
	return seqs[len(seqs)-1]
}

func (l *Log) encode(cmd event.Command, w event.Write) ([]byte, error) {
	e := w.Event
	e.Command = cmd
	if len(e.Personal) == 0 {
		return event.Encode(e, nil)
	}
	key, ok := l.keys[e.Customer]
	if !ok {
		key = event.NewKey()
		l.keys[e.Customer] = key
	}
	return event.Encode(e, key.Seal(e.Customer, w.Subject, e.Personal))
}

// Read implements event.Log.
func (l *Log) Read(ctx context.Context, subject event.Subject) ([]event.Event, error) {
	if ctx.Err() != nil {
		return nil, unavailable(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var events []event.Event
	for _, seq := range l.subjects[subject] {
		e, err := l.open(seq)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

// Tail implements event.Log.
func (l *Log) Tail(ctx context.Context, after uint64, fn func(event.Event) error) error {
	for seq := after + 1; ; seq++ {
		e, err := l.next(ctx, seq)
		if err != nil {
			return err
		}
		if err := fn(e); err != nil {
			return err
		}
	}
}

// next waits for the event with the sequence given.
func (l *Log) next(ctx context.Context, seq uint64) (event.Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ctx.Err() == nil && uint64(len(l.records)) < seq {
		l.wait(ctx)
	}
	if ctx.Err() != nil {
		return event.Event{}, context.Cause(ctx)
	}
	return l.open(seq)
}

// open decodes the record with the sequence given, with its personal fields if
// their key still exists.
func (l *Log) open(seq uint64) (event.Event, error) {
	r := l.records[seq-1]
	e, sealed, err := event.Decode(r.bytes)
	if err != nil {
		return event.Event{}, err
	}
	e.Subject, e.Seq = r.subject, seq
	if sealed == nil {
		return e, nil
	}
	key, ok := l.keys[sealed.Customer]
	if !ok {
		e.Forgotten = true
		return e, nil
	}
	e.Personal, err = key.Open(r.subject, sealed)
	if errors.Is(err, event.ErrForgotten) {
		e.Forgotten, err = true, nil
	}
	return e, err
}

// Head implements event.Log.
func (l *Log) Head(ctx context.Context) (uint64, error) {
	if ctx.Err() != nil {
		return 0, unavailable(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.records)), nil
}

// Forget implements event.Log.
func (l *Log) Forget(ctx context.Context, customer, key string) (string, error) {
	if ctx.Err() != nil {
		return "", unavailable(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	k, ok := l.keys[customer]
	if !ok || (key != "" && key != k.ID()) {
		return "", nil
	}
	delete(l.keys, customer)
	return k.ID(), nil
}

// wait gives mu up until something changes or ctx ends.
func (l *Log) wait(ctx context.Context) {
	changed := l.changed
	l.mu.Unlock()
	defer l.mu.Lock()
	select {
	case <-changed:
	case <-ctx.Done():
	}
}

func (l *Log) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

func unavailable(ctx context.Context) error {
	return fmt.Errorf("%w: %w", event.ErrUnavailable, context.Cause(ctx))
}
