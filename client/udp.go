package client

import (
	"errors"
	"net"
	"net/url"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/quic-go/quic-go"
	"golang.org/x/net/ipv4"
)

const (
	// quicIdle is how long a QUIC connection may be silent before it counts as
	// dead; quicAlive is how often a packet is sent to keep it and a NAT's entry
	// where no feed's heartbeat does.
	quicIdle  = 30 * time.Second
	quicAlive = 10 * time.Second
)

// quicConfig is that of every QUIC connection. With datagrams a feed over plain
// HTTP/3 has a heartbeat too.
func (c *Client) quicConfig() *quic.Config {
	return &quic.Config{
		HandshakeIdleTimeout: connectWithin, MaxIdleTimeout: quicIdle, KeepAlivePeriod: quicAlive,
		EnableDatagrams: true, EnableStreamResetPartialDelivery: true, TokenStore: c.tokens,
	}
}

// socket sends and receives on one path, for one connection.
type socket struct {
	tolerantConn

	transport *quic.Transport
}

func newSocket(conn *net.UDPConn) *socket {
	s := &socket{tolerantConn: tolerantConn{
		UDPConn: conn, batches: ipv4.NewPacketConn(conn), received: new(atomic.Uint64),
		detour: new(atomic.Pointer[net.UDPConn]), sent: new(atomic.Pointer[func()]),
	}}
	s.transport = &quic.Transport{Conn: s.tolerantConn, ConnectionIDGenerator: noID{}}
	return s
}

// noID gives a client's end of a connection no id: its socket says which one it
// is. quic-go's server forgets to give ids back that it has used for a path, and
// follows a client that has some twice at most.
type noID struct{}

// GenerateConnectionID implements quic.ConnectionIDGenerator.
func (noID) GenerateConnectionID() (quic.ConnectionID, error) { return quic.ConnectionID{}, nil }

// ConnectionIDLen implements quic.ConnectionIDGenerator.
func (noID) ConnectionIDLen() int { return 0 }

func (s *socket) close() error { return errors.Join(s.transport.Close(), s.Close()) }

// tolerantConn loses packets that have no route at the moment, as a network
// does. quic-go ends a connection whose packet cannot be sent, though the
// route may be back in a second, or another one found.
type tolerantConn struct {
	*net.UDPConn

	// batches reads as quic-go would itself (IPv6 too); received counts what came.
	batches  *ipv4.PacketConn
	received *atomic.Uint64
	// detour is what packets go out by instead, nil for its own socket.
	detour *atomic.Pointer[net.UDPConn]
	// sent is called once, after the next packet has gone out; nil for not.
	sent *atomic.Pointer[func()]
}

// ReadBatch is what quic-go reads by, where it is there.
func (c tolerantConn) ReadBatch(ms []ipv4.Message, flags int) (int, error) {
	n, err := c.batches.ReadBatch(ms, flags)
	if n > 0 {
		c.received.Add(uint64(n))
	}
	return n, err
}

// WriteMsgUDP implements quic.OOBCapablePacketConn.
func (c tolerantConn) WriteMsgUDP(b, oob []byte, to *net.UDPAddr) (n, oobn int, err error) {
	by := c.UDPConn
	if d := c.detour.Load(); d != nil {
		by = d
	}
	n, oobn, err = by.WriteMsgUDP(b, oob, to)
	if sent := c.sent.Load(); sent != nil && c.sent.CompareAndSwap(sent, nil) {
		(*sent)()
	}
	if err != nil && noRoute(err) {
		return len(b), len(oob), nil
	}
	return n, oobn, err
}

// noRoute are the errors of a path that has gone, or that a firewall closes.
func noRoute(err error) bool {
	for _, e := range []error{
		syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.EADDRNOTAVAIL,
		syscall.ENODEV, syscall.EPERM, syscall.EINVAL, syscall.ENOBUFS,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// authority returns host and port of an address.
func authority(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	if u.Port() == "" {
		return net.JoinHostPort(u.Hostname(), "443")
	}
	return u.Host
}
