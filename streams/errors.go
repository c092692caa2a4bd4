package streams

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"everything.local/event"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Why a data directory does not open. What wraps them says which directory
// and what to do next, in words for the person who started the hub.
var (
	ErrLocked     = errors.New("the data directory is in use")
	ErrUnwritable = errors.New("the data directory cannot be written")
	ErrOtherSite  = errors.New("the data directory belongs to another site")
	ErrOtherMode  = errors.New("the data directory is of another mode")
	ErrDamaged    = errors.New("the data directory is damaged")
)

var (
	errClosed = fmt.Errorf("%w: the node is closed", event.ErrUnavailable)
	// errAgain is an answer that another try will change.
	errAgain = errors.New("streams: changed meanwhile")
)

// Codes of JetStream's API that the package acts on; see errors.json of
// nats-server.
const (
	// codeWrongLast: the guarded subject is not where it is expected.
	codeWrongLast = jetstream.JSErrCodeStreamWrongLastSequence
	// codeInFlight: another write of the subject is being replicated, and
	// whether it will be stored is not known yet.
	codeInFlight = jetstream.JSErrCodeStreamWrongLastSequenceConstant
	// codeBatchIncomplete: the server does not know the batch's beginning,
	// because its leader changed meanwhile.
	codeBatchIncomplete jetstream.ErrorCode = 10176
	// codeNoMessage: no message matches.
	codeNoMessage                     = jetstream.JSErrCodeMessageNotFound
	codeOffline   jetstream.ErrorCode = 10118
)

// How often to ask again, and how long to wait for one answer. An election
// takes four to nine seconds, a write some milliseconds.
const (
	firstWait     = 20 * time.Millisecond
	longestWait   = time.Second
	answerTimeout = 3 * time.Second
)

// retry is insist for what has one answer to wait for: each time try has a
// limit of its own.
func (n *Node) retry(ctx context.Context, try func(context.Context) error) error {
	return n.insist(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, answerTimeout)
		defer cancel()
		return try(ctx)
	})
}

// insist calls try until it succeeds, fails for good or ctx ends. Then the
// error wraps event.ErrUnavailable, and ctx's cause if that is what ended.
func (n *Node) insist(ctx context.Context, try func(context.Context) error) error {
	last := errAgain
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %w (%w)", event.ErrUnavailable, context.Cause(ctx), last)
		}
		if n.isClosed() {
			return errClosed
		}
		err := try(ctx)
		if err != nil && n.isClosed() {
			return errClosed
		}
		if err == nil || !passing(err) {
			return err
		}
		last = err
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		case <-n.closed.given:
		}
	}
}

// passing reports whether asking again may give another answer.
func passing(err error) bool {
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		return slices.Contains(passingCodes, api.ErrorCode) ||
			api.Code == http.StatusServiceUnavailable || api.Code == http.StatusTooManyRequests
	}
	return slices.ContainsFunc(passingErrors, func(target error) bool { return errors.Is(err, target) })
}

var (
	passingCodes  = []jetstream.ErrorCode{codeInFlight, codeBatchIncomplete, codeOffline}
	passingErrors = []error{
		errAgain, context.DeadlineExceeded, context.Canceled,
		nats.ErrTimeout, nats.ErrNoResponders, nats.ErrDisconnected, nats.ErrConnectionReconnecting,
		jetstream.ErrNoStreamResponse,
	}
)

// code returns JetStream's code of err, 0 if it has none.
func code(err error) jetstream.ErrorCode {
	if api, ok := errors.AsType[*jetstream.APIError](err); ok {
		return api.ErrorCode
	}
	return 0
}
