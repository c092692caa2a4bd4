package client

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/quic-go/quic-go"

	"everything.local/event"
)

// Error is what a hub refused, or ended a feed with. errors.Is and
// event.CodeOf see it as the *event.Error that it carries.
type Error struct {
	// Status is the HTTP status, 0 where it came in a frame.
	Status int
	// Code is the kind of failure, to branch on; empty where something else
	// than a hub answered.
	Code event.Code
	// Detail is a sentence for a person.
	Detail string
	// Field is the part of the request at fault, like items[0].size.
	Field string
	// RetryAfter is what the hub asks to wait before trying again.
	RetryAfter time.Duration
}

// Error implements error.
func (e *Error) Error() string {
	if e.Code == "" {
		return strconv.Itoa(e.Status) + ": " + e.Detail
	}
	return e.event().Error()
}

// Unwrap returns an *event.Error.
func (e *Error) Unwrap() error { return e.event() }

func (e *Error) event() *event.Error {
	return &event.Error{Code: e.Code, Detail: e.Detail, Field: e.Field}
}

// Temporary reports whether the same may be granted later, unchanged.
func (e *Error) Temporary() bool {
	switch e.Code {
	case event.TooManyRequests, event.RequestTimeout, event.TooEarly, event.Behind,
		event.Unavailable, event.UpgradeNeeded, event.ShuttingDown, event.Internal:
		return true
	case "":
		return e.Status >= http.StatusInternalServerError
	}
	return false
}

// maxProblem bounds the body of a refusal; the hub's have a few hundred bytes.
const maxProblem = 16 << 10

// refusal reads application/problem+json (RFC 9457). The caller closes the body.
func refusal(r *http.Response) *Error {
	e := &Error{Status: r.StatusCode}
	var p struct {
		Code   event.Code `json:"code"`
		Detail string     `json:"detail"`
		Field  string     `json:"field"`
	}
	if r.Body != nil && json.NewDecoder(io.LimitReader(r.Body, maxProblem)).Decode(&p) == nil {
		e.Code, e.Detail, e.Field = p.Code, p.Detail, p.Field
	}
	if e.Detail == "" {
		e.Detail = strings.ToLower(http.StatusText(r.StatusCode))
	}
	if s, err := strconv.ParseUint(r.Header.Get("Retry-After"), 10, 16); err == nil {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	return e
}

// fault makes an Error of the frame that ends a feed.
func fault(f *event.Fault) *Error {
	return &Error{Code: f.Code, Detail: f.Detail, Field: f.Field, RetryAfter: time.Duration(f.RetryAfterMS) * time.Millisecond}
}

// Untrusted reports whether err says that the hub's certificate is not one that
// the client trusts. No other try helps: see Config.RootCAs.
func Untrusted(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// restarted reports whether a connection ended because its hub does not know it.
func restarted(err error) bool {
	_, ok := errors.AsType[*quic.StatelessResetError](err)
	return ok
}

// The reasons of a connection that the client itself gives up.
var (
	errOpening = errors.New("the hub did not answer in time")
	errSilent  = errors.New("the hub has gone silent")
)

// reason is why a connection ended: what the client cancelled it for, where it
// did, else err.
func reason(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errOpening) || errors.Is(cause, errSilent) {
		return cause
	}
	return err
}

// bare takes off what net/http wraps an error in: the address, of which the
// caller has its own idea.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
