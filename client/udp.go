package client

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/quic-go/quic-go"
)

const (
	// quicIdle is how long a QUIC connection may be silent before it counts as
	// dead; quicAlive is how often a packet is sent to keep it and a NAT's entry.
	quicIdle  = 30 * time.Second
	quicAlive = 10 * time.Second
)

// quicConfig is that of plain HTTP/3.
func quicConfig() *quic.Config {
	return &quic.Config{HandshakeIdleTimeout: connectWithin, MaxIdleTimeout: quicIdle, KeepAlivePeriod: quicAlive}
}

// socket is the one UDP socket of a client, opened when first needed. It is not
// bound to an interface, so that the kernel may take another one.
type socket struct {
	mu        sync.Mutex
	transport *quic.Transport
	closed    bool
}

// dial opens a connection. The transport is an own one because that of
// quic.DialAddr has no connection ids, without which a connection cannot move
// to another path.
func (s *socket) dial(ctx context.Context, addr string, t *tls.Config, q *quic.Config) (*quic.Conn, error) {
	to, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, err
	}
	transport, err := s.open()
	if err != nil {
		return nil, err
	}
	return transport.Dial(ctx, to, t, q)
}

func (s *socket) open() (*quic.Transport, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, net.ErrClosed
	}
	if s.transport == nil {
		conn, err := net.ListenUDP("udp", nil)
		if err != nil {
			return nil, err
		}
		s.transport = &quic.Transport{Conn: tolerantConn{conn}}
	}
	return s.transport, nil
}

func (s *socket) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.transport == nil {
		return nil
	}
	transport := s.transport
	s.transport = nil
	return errors.Join(transport.Close(), transport.Conn.Close())
}

// tolerantConn loses packets that have no route at the moment, as a network
// does. quic-go ends a connection whose packet cannot be sent, though the
// route may be back in a second, or another one found.
type tolerantConn struct{ *net.UDPConn }

// WriteMsgUDP implements quic.OOBCapablePacketConn.
func (c tolerantConn) WriteMsgUDP(b, oob []byte, to *net.UDPAddr) (n, oobn int, err error) {
	n, oobn, err = c.UDPConn.WriteMsgUDP(b, oob, to)
	if err != nil && noRoute(err) {
		return len(b), len(oob), nil
	}
	return n, oobn, err
}

func noRoute(err error) bool {
	return errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EHOSTUNREACH) ||
		errors.Is(err, syscall.ENETDOWN) || errors.Is(err, syscall.EADDRNOTAVAIL)
}

// hostOf returns the host of an address without its port.
func hostOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Hostname()
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
