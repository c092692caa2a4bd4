package wt

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"everything.local/event"
	"everything.local/transport"
)

// serveStream serves a stream that the client opened, of whose header so many
// bytes have been read: a subscription. Once it is open, what the client says is
// read on a new goroutine, which needs little: that of the stream has a large
// stack by then.
func (s *session) serveStream(stream *quic.Stream, header int) {
	if !s.begin(stream) {
		gone(stream)
		return
	}
	if s.flow.begin(false) != nil {
		s.overrun()
	}
	in := &inbound{stream: stream, session: s, counted: uint64(header)}
	if s.flow != nil {
		stream.SetReceiveFinalSizeCallback(in.final)
	}
	select {
	case s.places <- struct{}{}:
	case <-s.done:
		s.finish(stream)
		return
	}
	listen := s.follow(stream, in)
	go func() { // is waited for until finish
		listen()
		<-s.places
		s.finish(stream)
	}()
}

// refuseUni refuses what the client opens beside its subscriptions.
func (s *session) refuseUni(stream *quic.ReceiveStream, header int) {
	if s.flow.begin(true) != nil {
		s.overrun()
	}
	if s.flow != nil {
		in := &inbound{session: s, counted: uint64(header)}
		stream.SetReceiveFinalSizeCallback(in.final)
	}
	stream.CancelRead(onStream(codeRefused))
	s.flow.end(true)
	s.tell()
}

// begin counts a stream in, unless the session has ended.
func (s *session) begin(stream *quic.Stream) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return false
	}
	s.open[stream] = struct{}{}
	s.following.Add(1)
	s.empty.Stop()
	return true
}

// finish counts a stream out, and lets the client open another one.
func (s *session) finish(stream *quic.Stream) {
	defer s.following.Done()
	s.flow.end(false)
	s.tell()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, stream)
	switch {
	case s.over || len(s.open) > 0:
	case s.draining:
		s.parting = true
		s.empty.Reset(lastWords)
	default:
		s.empty.Reset(idleTimeout)
	}
}

// drain is called when the hub begins to: a session in which nothing is followed
// ends at once, another one soon after its last feed. It asks the client to end
// the session as well (section 4.7 of version 15).
func (s *session) drain() {
	s.mu.Lock()
	s.draining = true
	unused := len(s.open) == 0
	s.mu.Unlock()
	if unused {
		s.leave()
		return
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	_ = s.stream.TryWriteAll(appendDrain(nil)) // feeds say so, too
}

// follow opens a subscription, or refuses it. What it returns waits until nothing
// is read from the stream any more, nor sent on it.
func (s *session) follow(stream *quic.Stream, in io.Reader) (listen func()) {
	_ = stream.SetReadDeadline(time.Now().Add(transport.SubscribeTimeout)) // else the read fails as well
	lines := transport.NewLines(in)
	ended, unread := make(chan struct{}), onStream(codeDone)
	out := transport.StreamConfig{
		Stream: stream, Request: s.request, Gone: onStream(codeDone), Stalled: onStream(codeStalled),
		Ended: func() {
			stream.CancelRead(unread) // ends hear
			close(ended)
		},
	}
	if s.flow != nil {
		out.Limit = limit{s}
	}
	var feed *transport.Session
	counted, err := transport.CountRequest(s.request) // as on another wire
	if err == nil {
		// Who says nothing is not waited for when the hub stops.
		stop := s.feed.OnDrain(func() { _ = stream.SetReadDeadline(past) })
		feed, err = s.subscribe(lines)
		stop()
	}
	if counted == nil {
		counted = func() {}
	}
	if err != nil {
		unread = onStream(codeRefused)
		s.feed.RefuseStream(out, s.wire, err)
		return func() { <-ended; counted() }
	}
	_ = stream.SetReadDeadline(time.Time{})
	s.feed.ServeStream(stream.Context(), feed, out)
	return func() {
		hear(lines, feed)
		<-ended
		counted()
	}
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
	return s.feed.Subscribe(true, s.who, line, s.wire)
}

// hear takes what the client says on an open feed until it falls silent for
// good, which ends nothing, or breaks off, which does.
func hear(lines *transport.Lines, feed *transport.Session) {
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
			feed.Leave(transport.ClientGone)
			return
		}
	}
}

// inbound is what a client says on a stream, counted for the session's flow
// control: what is read, and at its end what will not be.
type inbound struct {
	stream  *quic.Stream
	session *session

	mu sync.Mutex
	// counted is how much of the stream is, its header included; whole says that
	// all of it is.
	counted uint64
	whole   bool
}

// Read implements io.Reader.
func (i *inbound) Read(b []byte) (int, error) {
	n, err := i.stream.Read(b)
	if flow := i.session.flow; flow != nil && n > 0 {
		i.mu.Lock()
		more := uint64(n)
		if i.whole {
			more = 0
		}
		i.counted += more
		i.mu.Unlock()
		if flow.receive(more) != nil {
			i.session.overrun()
		}
		i.session.tell()
	}
	return n, err
}

// final is called, from QUIC's own goroutine, when it is known how long the
// stream is.
func (i *inbound) final(size int64) {
	i.mu.Lock()
	rest := max(uint64(size), i.counted) - i.counted
	i.whole = true
	i.mu.Unlock()
	if rest == 0 {
		return
	}
	if i.session.flow.receive(rest) != nil {
		i.session.overrun()
	}
	i.session.tellSoon()
}

// limit is what a client takes of a session: its transport.Limit.
type limit struct{ session *session }

// Take implements transport.Limit.
func (l limit) Take(n int) int { return l.session.flow.take(n) }

// Return implements transport.Limit.
func (l limit) Return(n int) { l.session.flow.giveBack(n) }

// Wait implements transport.Limit, and tells the client that somebody waits.
func (l limit) Wait() <-chan struct{} {
	raised := l.session.flow.wait()
	l.session.tell()
	return raised
}
