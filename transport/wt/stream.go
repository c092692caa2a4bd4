package wt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/quic-go/webtransport-go"

	"everything.local/event"
	"everything.local/transport"
)

// past is a deadline that ends a read.
var past = time.Unix(1, 0)

// follow serves one stream: a subscription, until it or the client ends it.
func (s *session) follow(stream *webtransport.Stream) {
	_ = stream.SetReadDeadline(time.Now().Add(transport.SubscribeTimeout)) // else the read fails as well
	lines := transport.NewLines(stream)
	sink := &sink{stream, s.feed.StallTimeout()}
	var feed *transport.Session
	counted, err := transport.CountRequest(s.request) // as on another wire
	if err == nil {
		defer counted()
		// Who says nothing is not waited for when the hub stops.
		stop := s.feed.OnDrain(func() { _ = stream.SetReadDeadline(past) })
		feed, err = s.subscribe(lines)
		stop()
	}
	if err != nil {
		if err = sink.Send(s.feed.Refusal(s.wire, err)); err != nil {
			stream.CancelWrite(codeStalled)
		}
		stream.CancelRead(codeRefused)
		_ = stream.Close()
		return
	}
	_ = stream.SetReadDeadline(time.Time{})
	ctx, gone := context.WithCancel(stream.Context())
	defer gone()
	var reading sync.WaitGroup
	reading.Go(func() { listen(lines, feed, gone) })
	switch feed.Run(ctx, sink) {
	case transport.ClientGone:
		stream.CancelWrite(codeDone)
	case transport.Stalled:
		stream.CancelWrite(codeStalled)
	default: // the last frame says why
		_ = stream.Close()
	}
	// A read from a client that has said that its session is gone waits for the
	// session's end, or its deadline, whatever else is done to the stream.
	_ = stream.SetReadDeadline(past)
	stream.CancelRead(codeDone)
	reading.Wait()
}

// subscribe reads the first line and opens what it asks for.
func (s *session) subscribe(lines *transport.Lines) (*transport.Session, error) {
	line, err := lines.Next()
	switch {
	case err == nil:
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, s.feed.Unheard()
	case errors.Is(err, io.EOF):
		return nil, event.Errorf(event.Malformed, `the stream ended without a subscription; send a line like {"topics":"menu,board"}`)
	default: // too long, or the client has gone and is told nothing
		return nil, err
	}
	return s.feed.Subscribe(s.request, s.who, line, s.wire)
}

// listen takes what the client says on an open feed until it falls silent for
// good, which ends nothing, or breaks off, which does.
func listen(lines *transport.Lines, feed *transport.Session, gone func()) {
	for {
		line, err := lines.Next()
		switch {
		case err == nil:
			feed.Take(line)
		case errors.Is(err, io.EOF):
			return
		case event.CodeOf(err) == event.TooLarge:
			feed.Fail(err)
			return
		default:
			gone()
			return
		}
	}
}

// sink is the transport.Sink of a stream.
type sink struct {
	stream *webtransport.Stream
	stall  time.Duration
}

// Send implements transport.Sink.
func (s *sink) Send(b []byte) error {
	for p := range slices.Chunk(b, transport.Piece) {
		if err := s.stream.SetWriteDeadline(time.Now().Add(s.stall)); err != nil {
			return err
		}
		if _, err := s.stream.Write(p); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return fmt.Errorf("%w: %w", transport.ErrStalled, err)
			}
			return err
		}
	}
	return nil
}
