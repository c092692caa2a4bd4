package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"everything.local/event"
)

// Pace is how often the hub says that nothing is new.
type Pace string

// The paces.
const (
	// Attentive is every second, for what a person looks at.
	Attentive Pace = "attentive"
	// Idle is every 20 seconds, and the default.
	Idle Pace = "idle"
)

// patience is how long a feed may be silent before it counts as lost: two and a
// half paces.
func (p Pace) patience() time.Duration {
	if p == Attentive {
		return 2500 * time.Millisecond
	}
	return 50 * time.Second
}

// Request is what to follow.
type Request struct {
	// Topics are 1 to 16 names, each perhaps with its own position, like
	// "board@k3f9xw2a.1042".
	Topics []string
	// After is the position of every topic without one; empty to start afresh.
	After string
	Pace  Pace
}

// Frame is a message of a feed.
type Frame struct {
	event.Frame

	// Raw is the JSON it came as.
	Raw []byte
}

// Stream is an open feed. One goroutine calls Next; Close may be called by
// another.
type Stream struct {
	wire   Wire
	feed   feed
	cancel context.CancelCauseFunc
	// release ends what the race that the stream has won was given.
	release func()
	closed  atomic.Bool
	// ended is what Next returns once the frames are over.
	ended error
	first *Frame
	// why tells what the client itself ended the feed for.
	why func(error) error
}

// openWithin is how long a hub may take to accept a subscription and send its
// first frame. One whose log is behind the position asked for says so in 2 s.
const openWithin = 10 * time.Second

// openBefore is that of a watch which has another hub to try.
const openBefore = 3 * time.Second

// Follow opens a feed and returns once the hub has accepted it. The feed ends
// with ctx, and has to be closed. A refusal is an *Error.
func (c *Client) Follow(ctx context.Context, r Request) (*Stream, error) {
	token, err := c.token(ctx)
	if err != nil {
		return nil, err
	}
	return c.follow(ctx, subscription{
		base: c.at(), within: openWithin, Topics: strings.Join(r.Topics, ","), After: r.After, Pace: r.Pace, Token: token,
	})
}

func (c *Client) follow(ctx context.Context, ask subscription) (*Stream, error) {
	if c.config.Wire == Auto {
		return c.race(ctx, ask)
	}
	return c.open(ctx, c.config.Wire, ask)
}

// open opens a feed over a wire and waits for its first frame: it proves that
// the hub took the subscription and that nothing on the way holds frames back.
func (c *Client) open(ctx context.Context, w Wire, ask subscription) (*Stream, error) {
	opener := c.wires[w]
	p := c.config.Protocol
	if p == AnyHTTP {
		p = opener.over[0]
	}
	ctx, cancel := context.WithCancelCause(ctx)
	late := time.AfterFunc(ask.within, func() { cancel(errOpening) })
	defer late.Stop()
	f, err := opener.open(ctx, c, p, ask)
	if err != nil {
		err = reason(ctx, err)
		cancel(nil)
		return nil, err
	}
	s := &Stream{wire: w, feed: f, cancel: cancel, release: func() {}, why: func(err error) error { return reason(ctx, err) }}
	first, err := s.Next()
	if err == nil && first.Error != nil {
		err = fault(first.Error)
	}
	if err != nil {
		s.Close()
		return nil, noEnd(err)
	}
	s.first = &first
	return s, nil
}

// noEnd makes an error of an end that comes before the first frame.
func noEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Next returns the next frame and waits for it. The error is io.EOF when the hub
// ended the feed in good order, an *Error after a frame that says so, and
// anything else when the connection broke.
func (s *Stream) Next() (Frame, error) {
	if s.closed.Load() {
		return Frame{}, net.ErrClosed
	}
	if s.first != nil {
		f := *s.first
		s.first = nil
		return f, nil
	}
	if s.ended != nil {
		return Frame{}, s.ended
	}
	line, err := s.feed.next()
	if err != nil {
		s.ended = s.why(err)
		return Frame{}, s.ended
	}
	if r := s.feed.roamer(); r != nil {
		r.heard()
	}
	f := Frame{Raw: line}
	if err := json.Unmarshal(line, &f.Frame); err != nil {
		s.ended = fmt.Errorf("the hub sent what is no frame: %w", err)
		return Frame{}, s.ended
	}
	if f.Error != nil {
		s.ended = fault(f.Error)
	}
	return f, nil
}

// Wire is what carries the feed.
func (s *Stream) Wire() Wire { return s.wire }

// Protocol names the version of HTTP that carries it, like HTTP/2.
func (s *Stream) Protocol() string { return s.feed.protocol() }

// Close leaves the feed. It may be called more than once.
func (s *Stream) Close() {
	s.closed.Store(true)
	s.cancel(nil)
	s.release()
	s.feed.close()
}
