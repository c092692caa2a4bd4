package wt

import (
	"io"
	"slices"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"

	"everything.local/transport"
)

const (
	// strayTimeout is how long a stream waits for its session to be opened: the
	// request for it may come later, as it may be lost and sent again, and is
	// served by another goroutine.
	strayTimeout = 5 * time.Second
	// maxStrays is how many streams of a connection may wait for that.
	maxStrays = maxStreams
	// maxGone is how many sessions are remembered that have ended, for what their
	// clients had sent by then.
	maxGone = 16
)

// conn is what sessions share that are on one QUIC connection. It implements
// transport.Streams.
type conn struct {
	quic *quic.Conn

	mu sync.Mutex
	// open counts the sessions, those among them that are about to be opened.
	open     int
	sessions map[quic.StreamID]*session
	gone     []quic.StreamID
	strays   int
	// opened is closed when a session is opened, nil while no stream waits.
	opened chan struct{}
}

var _ transport.Streams = (*conn)(nil)

func newConn(c *quic.Conn) *conn {
	return &conn{quic: c, sessions: make(map[quic.StreamID]*session)}
}

// reserve reports whether a session may be opened: without the draft's flow
// control it is to be the only one of its connection (section 5 of version 15).
func (c *conn) reserve(flow bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !flow && c.open > 0 {
		return false
	}
	c.open++
	return true
}

// add opens a session for which there is a reservation.
func (c *conn) add(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions[s.id] = s
	if c.opened != nil {
		close(c.opened)
		c.opened = nil
	}
}

func (c *conn) remove(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	delete(c.sessions, s.id)
	if c.gone = append(c.gone, s.id); len(c.gone) > maxGone {
		c.gone = slices.Delete(c.gone, 0, 1)
	}
}

// Serve implements transport.Streams.
func (c *conn) Serve(stream *quic.Stream) {
	s, header, code := c.sessionOf(stream)
	if s == nil {
		stream.CancelRead(code)
		stream.CancelWrite(code)
		return
	}
	s.serveStream(stream, header)
}

// ServeUni implements transport.Streams. Nothing that a client opens beside its
// subscriptions has a meaning.
func (c *conn) ServeUni(stream *quic.ReceiveStream) {
	s, header, code := c.sessionOf(stream)
	if s == nil {
		stream.CancelRead(code)
		return
	}
	s.refuseUni(stream, header)
}

// sessionOf reads the session of a stream and waits until it is opened. It
// returns how long the stream's header is, and without a session the code to
// reset the stream with.
func (c *conn) sessionOf(stream io.Reader) (s *session, header int, code quic.StreamErrorCode) {
	id, err := quicvarint.Read(quicvarint.NewReader(stream))
	if err != nil {
		return nil, 0, generalError
	}
	if id%4 != 0 { // not the stream of a request (section 4.4 of version 15)
		_ = c.quic.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeIDError), "")
		return nil, 0, generalError
	}
	s, code = c.await(quic.StreamID(id))
	return s, quicvarint.Len(bidiStreamType) + quicvarint.Len(id), code
}

// await returns a session, which may be a moment in coming, or the code to reset
// its streams with.
func (c *conn) await(id quic.StreamID) (*session, quic.StreamErrorCode) {
	s, code, opened := c.find(id)
	if opened == nil {
		return s, code
	}
	defer c.found()
	patience := time.NewTimer(strayTimeout)
	defer patience.Stop()
	for opened != nil {
		select {
		case <-opened:
		case <-patience.C:
			return nil, bufferedStreamRejected
		case <-c.quic.Context().Done():
			return nil, sessionGone
		}
		s, code, opened = c.look(id)
	}
	return s, code
}

// find is look for a stream that has just come: one of too many gives up.
func (c *conn) find(id quic.StreamID) (*session, quic.StreamErrorCode, <-chan struct{}) {
	s, code, opened := c.look(id)
	if opened == nil {
		return s, code, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.strays == maxStrays {
		return nil, bufferedStreamRejected, nil
	}
	c.strays++
	return nil, 0, opened
}

// found is to be called when a stream waits no longer.
func (c *conn) found() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.strays--
}

// look returns a session, or the code to reset its streams with, or what to wait
// for.
func (c *conn) look(id quic.StreamID) (*session, quic.StreamErrorCode, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.sessions[id]; s != nil {
		return s, 0, nil
	}
	if slices.Contains(c.gone, id) {
		return nil, sessionGone, nil
	}
	if c.opened == nil {
		c.opened = make(chan struct{})
	}
	return nil, 0, c.opened
}
