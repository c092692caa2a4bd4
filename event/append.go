package event

import (
	"errors"
	"fmt"
)

// MaxWrites bounds the writes of one Append. A command is one event where
// possible; the bound is far below what a batch of the log may have.
const MaxWrites = 100

// CheckAppend is what every Log refuses before it looks at what is stored: an
// Append without a command id or writes, with a subject that is none, or with
// personal fields that are nobody's. All but TooLarge are faults of the hub.
func CheckAppend(cmd Command, writes []Write) error {
	if cmd.ID == "" {
		return errors.New("event: append without a command id")
	}
	if len(writes) == 0 {
		return errors.New("event: append of nothing")
	}
	if len(writes) > MaxWrites {
		return Errorf(TooLarge, "this is too much for one change: %d facts, at most %d", len(writes), MaxWrites)
	}
	for _, w := range writes {
		if _, err := ParseSubject(w.Subject.String()); err != nil {
			return err
		}
		if len(w.Event.Personal) > 0 && !ValidID(w.Event.Customer) {
			return fmt.Errorf("event: append %s: personal fields of nobody", w.Event.Type)
		}
	}
	return nil
}
