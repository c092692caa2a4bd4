package api

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"connectrpc.com/connect"

	"everything.local/event"
)

// kind is what each wire says for a code.
type kind struct {
	status int
	rpc    connect.Code
	// retry is after how many seconds trying again makes sense, 0 for never
	// unchanged.
	retry int
}

// kinds is the one table from codes to statuses. A test holds that it has
// every code there is.
var kinds = map[event.Code]kind{
	event.Invalid:             {http.StatusBadRequest, connect.CodeInvalidArgument, 0},
	event.Malformed:           {http.StatusBadRequest, connect.CodeInvalidArgument, 0},
	event.UnknownField:        {http.StatusBadRequest, connect.CodeInvalidArgument, 0},
	event.UnknownItem:         {http.StatusUnprocessableEntity, connect.CodeInvalidArgument, 0},
	event.UnknownOption:       {http.StatusUnprocessableEntity, connect.CodeInvalidArgument, 0},
	event.BadQuantity:         {http.StatusUnprocessableEntity, connect.CodeInvalidArgument, 0},
	event.BadText:             {http.StatusUnprocessableEntity, connect.CodeInvalidArgument, 0},
	event.BadCursor:           {http.StatusBadRequest, connect.CodeInvalidArgument, 0},
	event.UnknownTopic:        {http.StatusNotFound, connect.CodeNotFound, 0},
	event.TooManyTopics:       {http.StatusBadRequest, connect.CodeInvalidArgument, 0},
	event.TooLarge:            {http.StatusRequestEntityTooLarge, connect.CodeResourceExhausted, 0},
	event.Unauthenticated:     {http.StatusUnauthorized, connect.CodeUnauthenticated, 0},
	event.BadToken:            {http.StatusUnauthorized, connect.CodeUnauthenticated, 0},
	event.TokenExpired:        {http.StatusUnauthorized, connect.CodeUnauthenticated, 0},
	event.Forbidden:           {http.StatusForbidden, connect.CodePermissionDenied, 0},
	event.CrossOrigin:         {http.StatusForbidden, connect.CodePermissionDenied, 0},
	event.NotFound:            {http.StatusNotFound, connect.CodeNotFound, 0},
	event.MethodNotAllowed:    {http.StatusMethodNotAllowed, connect.CodeUnimplemented, 0},
	event.NotAcceptable:       {http.StatusNotAcceptable, connect.CodeUnimplemented, 0},
	event.UnknownVersion:      {http.StatusUpgradeRequired, connect.CodeUnimplemented, 0},
	event.IllegalTransition:   {http.StatusConflict, connect.CodeFailedPrecondition, 0},
	event.SoldOut:             {http.StatusConflict, connect.CodeFailedPrecondition, 0},
	event.Conflict:            {http.StatusConflict, connect.CodeAborted, 0},
	event.Archived:            {http.StatusGone, connect.CodeNotFound, 0},
	event.IdempotencyMismatch: {http.StatusUnprocessableEntity, connect.CodeInvalidArgument, 0},
	event.PairingPending:      {http.StatusConflict, connect.CodeFailedPrecondition, 2},
	event.TooManyRequests:     {http.StatusTooManyRequests, connect.CodeResourceExhausted, 5},
	event.RequestTimeout:      {http.StatusRequestTimeout, connect.CodeDeadlineExceeded, 0},
	event.TooEarly:            {http.StatusTooEarly, connect.CodeUnavailable, 0},
	event.Behind:              {http.StatusServiceUnavailable, connect.CodeUnavailable, 1},
	event.Unavailable:         {http.StatusServiceUnavailable, connect.CodeUnavailable, 2},
	event.UpgradeNeeded:       {http.StatusServiceUnavailable, connect.CodeUnavailable, 60},
	event.ShuttingDown:        {http.StatusServiceUnavailable, connect.CodeUnavailable, 1},
	event.Internal:            {http.StatusInternalServerError, connect.CodeInternal, 0},
}

// problem is the body of a refusal, RFC 9457.
type problem struct {
	Type   string     `json:"type"`
	Title  string     `json:"title"`
	Status int        `json:"status"`
	Code   event.Code `json:"code"`
	Detail string     `json:"detail"`
	Field  string     `json:"field,omitempty"`
}

// explain turns err into what its causer may know. What has no code is a fault
// of the hub: it is logged here, once, and told as no more than that.
func explain(r *http.Request, logger *slog.Logger, err error) (problem, kind) {
	e, ok := errors.AsType[*event.Error](err)
	if ok {
		_, ok = kinds[e.Code]
	}
	if !ok || e.Code == event.Internal {
		logger.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		e = event.Errorf(event.Internal, "something went wrong inside the hub and was noted; try again, then tell whoever runs it")
	}
	k := kinds[e.Code]
	return problem{
		// About:blank says that the status's own phrase is the title.
		Type: "about:blank", Title: http.StatusText(k.status), Status: k.status,
		Code: e.Code, Detail: e.Detail, Field: e.Field,
	}, k
}

// WriteError answers r with err as application/problem+json (RFC 9457), its
// status from the one table of codes. An error without a code is internal: it
// goes to slog's default logger, and its text to nobody else. The answer must
// not have begun.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	writeProblem(w, r, slog.Default(), err)
}

func writeProblem(w http.ResponseWriter, r *http.Request, logger *slog.Logger, err error) {
	p, k := explain(r, logger, err)
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if k.retry > 0 && h.Get("Retry-After") == "" { // who refused may know better
		h.Set("Retry-After", strconv.Itoa(k.retry))
	}
	if k.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", challenge(p.Code))
	}
	body, err := json.Marshal(p)
	if err != nil {
		panic(err) // problem has only text and numbers
	}
	w.WriteHeader(k.status)
	_, _ = w.Write(append(body, '\n')) // the client may have gone
}

// challenge is the WWW-Authenticate of a 401, RFC 6750 section 3.
func challenge(code event.Code) string {
	if code == event.Unauthenticated {
		return `Bearer realm="everything"`
	}
	return `Bearer realm="everything", error="invalid_token"`
}
