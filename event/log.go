package event

import (
	"context"
	"errors"
	"fmt"
)

// Log is the one log of a site. Every method may be called by any number of
// goroutines. The suite in event/logtest is the contract in full; what stands
// here is what callers need.
type Log interface {
	// Append stores all writes, in order and next to each other, or none of
	// them, and returns once they are durable. Each write is guarded by its own
	// subject. Appending a command that is already stored stores nothing and
	// returns the first receipt with Duplicate set, however long ago that was,
	// whatever the retry expects, and also when the first answer was lost.
	//
	// While the log cannot be written Append waits and retries until ctx ends.
	// Errors: *ConflictError when a subject is not where its write expects it;
	// ErrMismatch when the command's id is stored with another digest; one
	// that wraps ErrUnavailable when ctx ended with the outcome unknown, in
	// which case retrying the same command is safe; one that wraps ErrFailed,
	// at once, when the log takes no writes until it is mended; *Error TooLarge.
	Append(ctx context.Context, cmd Command, writes ...Write) (Receipt, error)

	// Read returns all events of a subject in order, as of no earlier than
	// the call, or none. Errors wrap ErrUnavailable or ErrDamaged.
	Read(ctx context.Context, subject Subject) ([]Event, error)

	// Tail calls fn with every event after the sequence given, one at a time
	// and in order, without gap or repeat, for as long as ctx lasts. It rides
	// out losses of the log's leader. It returns ctx's cause, fn's error, or
	// one that wraps ErrDamaged.
	Tail(ctx context.Context, after uint64, fn func(Event) error) error

	// Head returns the sequence of the newest event, 0 for an empty log, as of
	// no earlier than the call.
	Head(ctx context.Context) (uint64, error)

	// Forget deletes the customer's key and returns its id, or "" if there is
	// none. Events sealed with it read as Forgotten from then on, on every hub
	// and in every copy of the log. If key is not empty, only the key with
	// that id is deleted.
	Forget(ctx context.Context, customer, key string) (string, error)
}

// Write is one event of an Append.
type Write struct {
	Subject Subject
	// Expected is the sequence of the last event of Subject that the decision
	// was based on; 0 when there is none.
	Expected uint64
	// Event is stored with the Append's command; its Subject, Seq, Command and
	// Forgotten are ignored.
	Event Event
}

// Receipt is the answer to an Append.
type Receipt struct {
	// Seq is the sequence of the last write.
	Seq uint64
	// Duplicate says that an earlier try of the same command is stored.
	Duplicate bool
}

// ErrUnavailable is an answer that did not come: no leader, no quorum, closed.
var ErrUnavailable = errors.New("event: log unavailable")

// ErrFailed is a log that takes no writes until somebody mends it, as on a full
// disk: asking it again at once is of no use. What wraps it wraps
// ErrUnavailable too.
var ErrFailed = errors.New("event: the log cannot be written")

// ErrMismatch is a command id used again with another body.
var ErrMismatch = errors.New("event: command id is stored with another digest")

// ConflictError is a write whose subject has moved on.
type ConflictError struct {
	Subject  Subject
	Expected uint64
	// Last is the sequence the subject is at, or 0 if the log could not tell;
	// whoever decides again waits until the fold has passed it.
	Last uint64
}

// Error makes *ConflictError an error.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("event: %s is at %d, not %d", e.Subject, e.Last, e.Expected)
}
