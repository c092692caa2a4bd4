package cafe

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"everything.local/event"
)

// ErrUpgradeNeeded is an event of a type or version that this hub does not
// know: a newer hub wrote it. The state is as it was before.
var ErrUpgradeNeeded = errors.New("cafe: the log was written by a newer hub; upgrade this one")

// Apply folds the next event into the state and returns the entries that
// changed, by topic and key, each with the event's sequence. On an error the
// state is unchanged; the error wraps ErrUpgradeNeeded, or event.ErrDamaged
// for an event that Decide cannot have written.
func (s *State) Apply(e event.Event) ([]event.Entry, error) {
	schema, ok := schemas[schemaKey{e.Type, e.Version}]
	if !ok {
		return nil, fmt.Errorf("%w: %q version %d at %d", ErrUpgradeNeeded, e.Type, e.Version, e.Seq)
	}
	c := &changes{seq: e.Seq, at: later(s.now, e.Time), values: map[entryKey]json.RawMessage{}}
	err := errOrder
	switch {
	case e.Seq <= s.seq:
	case e.Subject.Kind != schema.kind || !event.ValidID(e.Subject.ID):
		err = errSubject
	default:
		err = schema.fold(s, c, e)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s at %d: %w", event.ErrDamaged, e.Type, e.Seq, err)
	}
	s.seq, s.now = e.Seq, c.at
	s.remember(e)
	return c.entries(), nil
}

// The reasons for which an event cannot be folded.
var (
	errOrder   = errors.New("it does not follow the newest event")
	errSubject = errors.New("its subject is of another kind")
	errData    = errors.New("its data lacks what it must have")
	errState   = errors.New("it does not fit what happened before")
)

// changes collects what one event changes of the topics.
type changes struct {
	seq    uint64
	at     time.Time
	values map[entryKey]json.RawMessage
}

type entryKey struct {
	topic event.Topic
	key   string
}

// time returns when the event happened as it is shown.
func (c *changes) time() string { return event.FormatTime(c.at) }

func (c *changes) set(t event.Topic, key string, value json.RawMessage) {
	c.values[entryKey{t, key}] = value
}

// gone leaves a tombstone. The key must have an entry, from before the event
// or from this one.
func (c *changes) gone(t event.Topic, key string) { c.values[entryKey{t, key}] = nil }

func (c *changes) entries() []event.Entry {
	list := make([]event.Entry, 0, len(c.values))
	for k, v := range c.values {
		list = append(list, event.Entry{Topic: k.topic, Key: k.key, Seq: c.seq, Value: v})
	}
	slices.SortFunc(list, func(a, b event.Entry) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Key, b.Key))
	})
	return list
}

// encode is the one way from a view to bytes: plain json.Marshal, with its
// escaping of <, > and &. So the bytes of an entry are those of the same view
// in a REST answer, and stay the same when marshalled again as RawMessage.
func encode(view any) json.RawMessage {
	b, err := json.Marshal(view)
	if err != nil {
		panic(err) // views are strings, numbers and lists of them
	}
	return b
}
