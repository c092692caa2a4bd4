package transport

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"everything.local/event"
)

// Pace is how often a client wants to hear that nothing is new.
type Pace string

// The paces.
const (
	// Attentive is for a page that somebody looks at: a break in the line must
	// show at once.
	Attentive Pace = "attentive"
	// Idle is for everything else, and the default: often enough to keep a NAT
	// table's entry and to notice a dead line within half a minute.
	Idle Pace = "idle"
)

// Request is what a client asks of a feed, on whichever wire.
type Request struct {
	Positions []event.Position
	Pace      Pace
}

// Resumes reports whether the client holds anything already.
func (r Request) Resumes() bool {
	return slices.ContainsFunc(r.Positions, func(p event.Position) bool { return !p.Cursor.IsZero() })
}

// NewRequest reads the fields of a subscription, which are the same on every
// wire: the topics, after, a position for all topics without one of their own,
// and the pace. Empty after and pace are defaults. Errors carry their Field.
func NewRequest(topics, after, pace string) (Request, error) {
	ps, err := event.ParsePositions(topics, after)
	if err != nil {
		return Request{}, blame(err, after)
	}
	p, err := parsePace(pace)
	if err != nil {
		return Request{}, err
	}
	return Request{ps, p}, nil
}

// parsePace reads a pace; none is Idle.
func parsePace(s string) (Pace, error) {
	switch p := Pace(s); p {
	case "":
		return Idle, nil
	case Attentive, Idle:
		return p, nil
	}
	return "", event.Errorf(event.Invalid, "there is no pace %s; ask for attentive or idle", event.Quote(s)).At("pace")
}

// blame says which of the two fields ParsePositions stumbled over.
func blame(err error, after string) error {
	if after != "" {
		if _, bad := event.ParseCursor(after); bad != nil {
			return at(bad, "after")
		}
	}
	return at(err, "topics")
}

// parseRequest reads a feed request from a URL and Last-Event-ID, which beats
// every position in the URL: EventSource reconnects to the URL it was made
// with, however far it has come since.
func parseRequest(r *http.Request) (Request, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Request{}, event.Errorf(event.Malformed, "the part of the address after the question mark cannot be read; escape what is not a letter or digit")
	}
	if err := checkParameters(q); err != nil {
		return Request{}, err
	}
	req, err := NewRequest(q.Get("topics"), q.Get("after"), q.Get("pace"))
	if err != nil {
		return Request{}, err
	}
	last := r.Header.Get("Last-Event-ID")
	if last == "" {
		return req, nil
	}
	cursor, err := event.ParseCursor(last)
	if err != nil {
		return Request{}, at(err, "Last-Event-ID")
	}
	for i := range req.Positions {
		req.Positions[i].Cursor = cursor
	}
	return req, nil
}

// at blames field for err.
func at(err error, field string) error {
	if e, ok := errors.AsType[*event.Error](err); ok {
		return e.At(field)
	}
	return err
}

// checkParameters refuses what a feed does not know, so that a misspelt
// parameter is not a feed that silently starts afresh, and above all a token:
// URLs end up in logs and histories. No value enters the error, nor a name too
// long to be a slip of the pen.
func checkParameters(q url.Values) error {
	names := slices.Sorted(maps.Keys(q))
	if slices.ContainsFunc(names, namesSecret) {
		return event.Errorf(event.Invalid, "nothing secret belongs in an address, where logs and histories keep it; send the token in the Authorization header, and take a new one").At("query")
	}
	for _, name := range names {
		switch name {
		case "topics", "after", "pace":
		default:
			const most = 20
			return event.Errorf(event.UnknownField, "a feed has no parameter %s; it has topics, after and pace", event.Quote(name[:min(len(name), most)])).At("query")
		}
		if n := len(q[name]); n > 1 {
			return event.Errorf(event.Invalid, "%s is given %d times; once is enough", name, n).At(name)
		}
	}
	return nil
}

// namesSecret reports whether a parameter's name promises a credential.
func namesSecret(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"token", "ticket", "auth", "jwt", "bearer", "secret", "password", "key", "session"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
