package event

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Code is the stable name of a kind of failure. Clients branch on it; each
// wire has one table from it to that wire's statuses. Codes are only added.
type Code string

// The codes.
const (
	// Invalid is a value that no state of the hub would accept.
	Invalid Code = "invalid"
	// Malformed is a body or line that is not the format it claims to be.
	Malformed Code = "malformed"
	// UnknownField is a field that the command does not have.
	UnknownField Code = "unknown_field"
	// UnknownItem is an order for something that is not on the menu.
	UnknownItem Code = "unknown_item"
	// UnknownOption is a size or option that the item does not have.
	UnknownOption Code = "unknown_option"
	// BadQuantity is a quantity outside what one order may have.
	BadQuantity Code = "bad_quantity"
	// BadText is text with control characters, not UTF-8, empty or too long.
	BadText Code = "bad_text"
	// BadCursor is a position that no hub gave.
	BadCursor Code = "bad_cursor"
	// UnknownTopic is a topic that does not exist.
	UnknownTopic Code = "unknown_topic"
	// TooManyTopics is a subscription to more topics than one may have.
	TooManyTopics Code = "too_many_topics"
	// TooLarge is a body, line or event over its limit.
	TooLarge Code = "too_large"
	// Unauthenticated is a request that needs a caller and has none.
	Unauthenticated Code = "unauthenticated"
	// BadToken is a token that is forged, unsigned or otherwise not ours.
	BadToken Code = "bad_token"
	// TokenExpired is a token that was good once.
	TokenExpired Code = "token_expired"
	// Forbidden is a caller who may not do or see this.
	Forbidden Code = "forbidden"
	// CrossOrigin is a browser request from a page that is not the hub's.
	CrossOrigin Code = "cross_origin"
	// NotFound is a thing that does not exist, or that the caller may not know of.
	NotFound Code = "not_found"
	// MethodNotAllowed is a path that exists for another method.
	MethodNotAllowed Code = "method_not_allowed"
	// NotAcceptable is a feed asked for in a form the hub does not speak.
	NotAcceptable Code = "not_acceptable"
	// UnknownVersion is a protocol asked for in a version the hub does not speak.
	UnknownVersion Code = "unknown_version"
	// IllegalTransition is a step that the order's state does not allow.
	IllegalTransition Code = "illegal_transition"
	// SoldOut is an item that cannot be had now.
	SoldOut Code = "sold_out"
	// Conflict is a change of something that somebody else changed meanwhile.
	Conflict Code = "conflict"
	// Archived is a thing that exists in the log but is kept here no longer.
	Archived Code = "archived"
	// IdempotencyMismatch is an Idempotency-Key used again for something else.
	IdempotencyMismatch Code = "idempotency_mismatch"
	// PairingPending is a screen whose code staff have not approved yet.
	PairingPending Code = "pairing_pending"
	// TooManyRequests is a caller over a rate limit.
	TooManyRequests Code = "too_many_requests"
	// RequestTimeout is a request that did not arrive in time.
	RequestTimeout Code = "request_timeout"
	// TooEarly is a change in data that could be a replay (RFC 8470).
	TooEarly Code = "too_early"
	// Behind is a query for a position that this hub has not reached.
	Behind Code = "behind"
	// Unavailable is a log that cannot be written now; the retry is safe.
	Unavailable Code = "unavailable"
	// UpgradeNeeded is a log with events that this hub is too old to read.
	UpgradeNeeded Code = "upgrade_needed"
	// ShuttingDown is a hub that is about to stop.
	ShuttingDown Code = "shutting_down"
	// Internal is a fault of the hub. Its text never leaves the process.
	Internal Code = "internal"
)

// Error is a failure that its causer is told about. Detail is a sentence for a
// person that says what to do next; it never contains secrets or internals.
type Error struct {
	Code   Code
	Detail string
	// Field names the part of the request that is at fault, as a path like
	// "items[0].quantity"; empty when it is the whole.
	Field string
}

// Errorf returns an *Error.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// At returns a copy of e that blames field.
func (e *Error) At(field string) *Error {
	f := *e
	f.Field = field
	return &f
}

// Error makes *Error an error.
func (e *Error) Error() string {
	if e.Field != "" {
		return string(e.Code) + ": " + e.Field + ": " + e.Detail
	}
	return string(e.Code) + ": " + e.Detail
}

// Is makes errors.Is compare codes, so that errors.Is(err, Errorf(SoldOut, ""))
// holds whatever the sentence.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// CodeOf returns the code of err: that of the *Error in its chain, else
// Internal. It is "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// Quote quotes what a caller sent for an error's Detail: escaped, and cut so
// that a hostile value cannot fill a log.
func Quote(s string) string {
	const most = 40
	if len(s) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		return strconv.Quote(s[:cut]) + "…"
	}
	return strconv.Quote(s)
}
