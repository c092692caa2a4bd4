package transporttest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"everything.local/event"
)

// subscription is what ask says on a wire whose subscriptions are lines.
func (ask Ask) subscription() string {
	if ask.Line != "" {
		return ask.Line
	}
	if ask.LastEventID != "" {
		// A client of lines is not bound to the address it began with: it says
		// where it is.
		ask.After = ask.LastEventID
		topics := strings.Split(ask.Topics, ",")
		for i := range topics {
			topics[i], _, _ = strings.Cut(topics[i], "@")
		}
		ask.Topics = strings.Join(topics, ",")
	}
	line := make(map[string]string)
	for name, value := range map[string]string{"topics": ask.Topics, "after": ask.After, "pace": ask.Pace, "token": ask.Token} {
		if value != "" {
			line[name] = value
		}
	}
	b, err := json.Marshal(line)
	if err != nil {
		panic(err) // strings
	}
	return string(b)
}

// errBadRefusal is a refusal in another form than it should have.
var errBadRefusal = errors.New("a refusal that is not as it should be")

// opened returns the feed that s is, or the refusal that it is instead: on a
// wire of lines that comes in band, as the only frame. It waits for the first
// frame, which the hub has within 2 s whatever was asked.
func opened(s Talker) (Talker, error) {
	first, err := s.Next()
	if err == nil && first.Error == nil {
		return &begun{s, &first}, nil
	}
	defer s.Close()
	if err != nil {
		return nil, err
	}
	if fr, err := s.Next(); err == nil {
		return nil, fmt.Errorf("%w: %s follows", errBadRefusal, fr.Raw)
	}
	r := &Refusal{Fault: event.Error{Code: first.Error.Code, Detail: first.Error.Detail, Field: first.Error.Field}}
	if ms := first.Error.RetryAfterMS; ms > 0 {
		r.RetryAfter = (time.Duration(ms) * time.Millisecond).String()
	}
	return nil, r
}

// begun is a Talker whose first frame has been read.
type begun struct {
	Talker
	first *Frame
}

// Next implements Stream.
func (b *begun) Next() (Frame, error) {
	if f := b.first; f != nil {
		b.first = nil
		return *f, nil
	}
	return b.Talker.Next()
}
