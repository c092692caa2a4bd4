package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"
	"unicode/utf8"

	"everything.local/auth"
	"everything.local/event"
	"everything.local/hub"
)

// Bounds of what a client says on a wire whose requests are lines.
const (
	// MaxLine is the longest line in bytes: 16 topics with their cursors, and a
	// token of auth.MaxTokenBytes, with room to spare.
	MaxLine = 8 << 10
	// SubscribeTimeout is how long the first line may take from the opening of
	// the connection or stream: as long as a request's head on HTTP/1.1.
	SubscribeTimeout = readHeaderTimeout
)

// subscription is the first line a client sends on such a wire. Its members
// mean what the parameters of GET /v1/feed do.
type subscription struct {
	topics, after, pace, token string
}

// parseSubscription reads the first line. Errors carry their Field.
func parseSubscription(line []byte) (s subscription, err error) {
	err = members(line, func(name string, value json.RawMessage) error {
		switch name {
		case "topics":
			return text(value, name, &s.topics)
		case "after":
			return text(value, name, &s.after)
		case "pace":
			return text(value, name, &s.pace)
		case "token":
			return text(value, name, &s.token)
		}
		return event.Errorf(event.UnknownField, "a subscription has no member %s; it has topics, after, pace and token", event.Quote(name)).At(clip(name))
	})
	return s, err
}

// Subscribe opens the session that a first line asks for. Who is the caller by
// the head of the request that came before; a token in the line beats it, and is
// none where that was not secure, which is without TLS. Errors are for the client: those of the line, of
// FeedConfig.Authenticate and of Open.
func (f *Feed) Subscribe(secure bool, who auth.Identity, line []byte, enc hub.Encoding) (*Session, error) {
	s, err := parseSubscription(line)
	if err != nil {
		return nil, err
	}
	req, err := NewRequest(s.topics, s.after, s.pace)
	if err != nil {
		return nil, err
	}
	if s.token != "" {
		if !secure { // as in a header: nobody is to get used to it
			return nil, event.Errorf(event.Invalid, "a token is sent over TLS alone; this one may have been read on its way, so take a new one").At("token")
		}
		if who, err = f.cfg.Authenticate(s.token); err != nil {
			return nil, at(err, "token")
		}
	}
	return f.Open(who, req, enc)
}

// Refusal is err as the last frame of a feed, ready to be sent. Only an
// *event.Error has words for clients.
func (*Feed) Refusal(enc hub.Encoding, err error) []byte {
	fault := fault(err)
	b, err := json.Marshal(event.Frame{Error: fault})
	if err != nil {
		panic(err) // strings and a number
	}
	return enc.AppendFrame(nil, b, "")
}

// retryAfter is when to ask a hub again that is full or about to stop, or asked
// too much.
const retryAfter = 2 * time.Second

// fault is err as clients are told of it.
func fault(err error) *event.Fault {
	e, ok := errors.AsType[*event.Error](err)
	if !ok {
		e = event.Errorf(event.Internal, "the hub failed to serve this feed; try again, and look at its log if it happens again")
	}
	f := &event.Fault{Code: e.Code, Detail: e.Detail, Field: e.Field}
	switch e.Code {
	case event.ShuttingDown, event.Unavailable, event.TooManyRequests:
		f.RetryAfterMS = retryAfter.Milliseconds()
	}
	return f
}

// members calls each with the members of the JSON object that line must be. It
// is strict: one object, each member once, text in UTF-8.
func members(line []byte, each func(name string, value json.RawMessage) error) error {
	if !utf8.Valid(line) {
		return event.Errorf(event.BadText, "this line is not UTF-8; send it in that encoding")
	}
	d := json.NewDecoder(bytes.NewReader(line))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return malformed()
	}
	seen := make(map[string]bool)
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return malformed()
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return malformed()
		}
		if seen[name] {
			return event.Errorf(event.Malformed, "%s is given twice; once is enough", event.Quote(name)).At(clip(name))
		}
		seen[name] = true
		if err := each(name, value); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return malformed()
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return malformed()
	}
	return nil
}

func malformed() error {
	return event.Errorf(event.Malformed, `this line is not one JSON object; send something like {"topics":"menu,board"}`)
}

// text reads a member that is a string.
func text(value json.RawMessage, name string, into *string) error {
	if len(value) == 0 || value[0] != '"' || json.Unmarshal(value, into) != nil {
		return event.Errorf(event.Invalid, "%s must be a string", name).At(name)
	}
	return nil
}

// clip cuts the name of a member to what may be a slip of the pen.
func clip(name string) string {
	const most = 20
	if len(name) <= most {
		return name
	}
	return "…"
}
