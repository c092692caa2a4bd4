package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

const (
	// maxSockets is how many paths a connection may have tried. It keeps their
	// sockets for as long as it lasts: what it has sent from one may still be
	// answered there.
	maxSockets = 8
	// ackDelay is how long an acknowledgement may be put off (max_ack_delay,
	// RFC 9000, section 18.2).
	ackDelay = 25 * time.Millisecond
)

// errSockets is of a connection that has tried too many paths.
var errSockets = errors.New("client: the connection has tried too many paths")

// quicCarrier is a QUIC connection with a socket for each path it has tried.
type quicCarrier struct {
	network Network
	conn    *quic.Conn
	// beat sends a datagram that the hub takes and does not read.
	beat func() error
	// first is the path it began on.
	first Path

	mu      sync.Mutex
	sockets map[Path]*socket
	taken   *quic.Path
	closed  bool
	// on is the path that the connection is on.
	on Path
}

// socket returns that of a path, open.
func (c *quicCarrier) socket(on Path) (*socket, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.sockets[on]; t != nil {
		return t, nil
	}
	if c.closed {
		return nil, net.ErrClosed
	}
	if len(c.sockets) == maxSockets {
		return nil, errSockets
	}
	conn, err := c.network.ListenUDP(on)
	if err != nil {
		return nil, fmt.Errorf("client: a socket on %s: %w", on, err)
	}
	s := newSocket(conn)
	c.sockets[on] = s
	return s, nil
}

// leave closes the connection in good order.
func (c *quicCarrier) leave() error {
	return c.conn.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
}

// end leaves, and closes the sockets.
func (c *quicCarrier) end() error { return errors.Join(c.leave(), c.close()) }

// close ends the connection's sockets; the connection itself is closed before.
func (c *quicCarrier) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	var failed []error
	for _, s := range c.sockets {
		failed = append(failed, s.close())
	}
	clear(c.sockets)
	return errors.Join(failed...)
}

func (c *quicCarrier) hub() netip.Addr {
	return c.conn.RemoteAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}

func (c *quicCarrier) received(by Path) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.sockets[by]; s != nil {
		return s.received.Load()
	}
	return 0
}

func (c *quicCarrier) beneath() Path {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.on
}

func (c *quicCarrier) answerWithin() time.Duration {
	s := c.conn.ConnectionStats()
	return s.SmoothedRTT + 4*s.MeanDeviation + ackDelay // as RFC 9002, section 6.2.1
}

func (c *quicCarrier) kick() error { return c.beat() }

// beatOnRequest is a heartbeat on a connection without a WebTransport session:
// a datagram of its first request (RFC 9297, section 2.1), which takes any.
func (c *quicCarrier) beatOnRequest() error {
	const firstRequest = 0 // its stream's number, a quarter of it
	return c.conn.SendDatagram(append([]byte{firstRequest}, beat...))
}

func (c *quicCarrier) probe(ctx context.Context, on Path) (way, error) {
	if on == c.beneath() {
		return beneathWay{c}, nil // QUIC is there already, and cannot probe it
	}
	s, err := c.socket(on)
	if err != nil {
		return nil, err
	}
	s.detour.Store(nil) // of when it was left
	// quic-go switches without the lock that others read the connection's state
	// under. Who has done so is through with it from here on.
	_ = c.conn.ConnectionState()
	path, err := c.conn.AddPath(s.transport)
	if err != nil {
		return nil, err
	}
	if err := path.Probe(ctx); err != nil {
		return nil, errors.Join(err, path.Close())
	}
	return quicWay{c, path, on}, nil
}

// detour implements carrier. The hub proves a new path by a packet (RFC 9000,
// section 8.2) that quic-go answers on the path which the connection is still
// on; where that is dead, the hub asks again only after 100 ms.
//
// The probe has to leave first: once the hub has followed it answers none.
func (c *quicCarrier) detour(by Path) {
	c.mu.Lock()
	from := c.sockets[c.on]
	for _, s := range c.sockets {
		s.sent.Store(nil) // of a probe that has never left
	}
	c.mu.Unlock()
	if from == nil {
		return // it has been closed
	}
	if by == (Path{}) {
		from.detour.Store(nil)
		return
	}
	if s, err := c.socket(by); err == nil { // else it cannot be probed either
		s.sent.Store(new(func() { from.detour.Store(s.UDPConn) }))
	}
}

// beneathWay is the end of a detour, untried.
type beneathWay struct{ of *quicCarrier }

func (w beneathWay) take() error {
	w.of.detour(Path{})
	return nil
}

func (beneathWay) close() {}

// quicWay is a path that has been probed.
type quicWay struct {
	of   *quicCarrier
	path *quic.Path
	to   Path
}

func (w quicWay) take() error {
	s, err := w.of.socket(w.to)
	if err != nil {
		return err
	}
	s.sent.Store(nil) // the detour of the path before stays, for what is in its queue
	if err := w.path.Switch(); err != nil {
		return err
	}
	w.of.mu.Lock()
	before := w.of.taken
	w.of.taken, w.of.on = w.path, w.to
	w.of.mu.Unlock()
	if before != nil {
		_ = before.Close() // gives its connection id back to the hub
	}
	return nil
}

func (w quicWay) close() { _ = w.path.Close() }
