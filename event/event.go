package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// TimeLayout is how instants are written in the log and on the wires: UTC with
// milliseconds, so that equal instants are equal bytes.
const TimeLayout = "2006-01-02T15:04:05.000Z"

// MaxEventBytes bounds the stored form of one event. Orders are below 4 KiB; a
// whole imported menu is the largest event there is.
const MaxEventBytes = 512 << 10

// Event is one fact. The exported fields are what decides and folds see; the
// log alone turns Personal into ciphertext and back.
type Event struct {
	// Type says what happened, as "<kind>.<past participle>".
	Type string
	// Version is the version of Data's and Personal's schema, from 1.
	Version int
	// Time is when it happened by the hub's clock, never before the event it
	// follows. Millisecond precision, UTC.
	Time time.Time
	// By is who caused it: "<role>/<caller id>", or "hub" for clockwork.
	By string
	// Command is the command that was answered with this event.
	Command Command
	// Data is the schema's JSON object without personal fields.
	Data json.RawMessage
	// Customer is whose key seals Personal; empty when Personal is.
	Customer string
	// Personal is the JSON object of personal fields (names, notes, addresses),
	// in the clear only in memory. Nil when there is none or when Forgotten.
	Personal json.RawMessage

	// Subject and Seq are the log's: where the event is stored and its number.
	Subject Subject
	Seq     uint64
	// Forgotten is set by the log on reading when Personal was sealed with a
	// key that has been deleted.
	Forgotten bool
}

// Command identifies one intention of one caller, so that a retry after a lost
// answer is recognised in any year.
type Command struct {
	// ID is 64 hex digits, see CommandID.
	ID string `json:"id"`
	// Digest is a hash of the command's body, to tell a retry from a reuse of
	// the key for something else.
	Digest string `json:"digest"`
}

// stored is the wire form of an event in the log. Fields are only ever added.
type stored struct {
	Type    string          `json:"type"`
	Version int             `json:"version"`
	Time    string          `json:"time"`
	By      string          `json:"by"`
	Command Command         `json:"command"`
	Data    json.RawMessage `json:"data"`
	Sealed  *Sealed         `json:"sealed,omitempty"`
}

// ErrDamaged is returned for a stored event that cannot be read.
var ErrDamaged = errors.New("event: damaged")

// Encode returns the stored form of e with its personal fields as sealed by
// the caller; sealed is nil exactly when e.Personal is empty. Only logs call
// it.
func Encode(e Event, sealed *Sealed) ([]byte, error) {
	if (sealed == nil) != (len(e.Personal) == 0) {
		return nil, fmt.Errorf("event: encode %s: personal fields and seal do not match", e.Type)
	}
	b, err := json.Marshal(stored{
		Type: e.Type, Version: e.Version, Time: FormatTime(e.Time), By: e.By,
		Command: e.Command, Data: e.Data, Sealed: sealed,
	})
	if err != nil {
		return nil, fmt.Errorf("event: encode %s: %w", e.Type, err)
	}
	if len(b) > MaxEventBytes {
		return nil, Errorf(TooLarge, "this is too much for one change: %d bytes, at most %d", len(b), MaxEventBytes)
	}
	return b, nil
}

// Decode reads a stored form. The result's Subject and Seq are for the log to
// fill in, its Personal for the log to open from the Sealed returned beside
// it, which is nil when the event has none. The error wraps ErrDamaged. Any
// type and version decodes: whether they are known is the fold's to say.
func Decode(b []byte) (Event, *Sealed, error) {
	var s stored
	if err := json.Unmarshal(b, &s); err != nil {
		return Event{}, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if s.Type == "" || s.Version < 1 {
		return Event{}, nil, fmt.Errorf("%w: type %q, version %d", ErrDamaged, s.Type, s.Version)
	}
	at, err := ParseTime(s.Time)
	if err != nil {
		return Event{}, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	e := Event{
		Type: s.Type, Version: s.Version, Time: at, By: s.By,
		Command: s.Command, Data: s.Data,
	}
	if s.Sealed != nil {
		e.Customer = s.Sealed.Customer
	}
	return e, s.Sealed, nil
}

// FormatTime writes t in TimeLayout.
func FormatTime(t time.Time) string { return t.UTC().Format(TimeLayout) }

// ParseTime reads TimeLayout.
func ParseTime(s string) (time.Time, error) {
	t, err := time.Parse(TimeLayout, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("event: time %q is not like %s", s, TimeLayout)
	}
	return t, nil
}
