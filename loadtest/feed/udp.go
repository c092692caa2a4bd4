package feed

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// sockets are the UDP sockets, one for each source address in use: a socket of
// its own for each connection would cost more than the connection.
type sockets struct {
	mu   sync.Mutex
	open map[netip.Addr]*socket
}

// socket is open while connections use it.
type socket struct {
	from      netip.Addr
	transport *quic.Transport
	used      int
}

// dial opens a QUIC connection; release is to be called when it is over.
func (d *Dialer) dialQUIC(ctx context.Context, a Ask) (conn *quic.Conn, release func(), err error) {
	to, err := net.ResolveUDPAddr("udp", d.config.Addr)
	if err != nil {
		return nil, nil, err
	}
	s, err := d.udp.take(a.Memory.source(&d.sources))
	if err != nil {
		return nil, nil, err
	}
	conn, err = s.transport.Dial(ctx, to, a.Memory.tls(d.config.TLS, http3.NextProtoH3), quicConfig(a))
	if err != nil {
		d.udp.release(s)
		return nil, nil, err
	}
	return conn, sync.OnceFunc(func() { d.udp.release(s) }), nil
}

func quicConfig(a Ask) *quic.Config {
	c := &quic.Config{
		HandshakeIdleTimeout: dialWithin, MaxIdleTimeout: time.Minute, KeepAlivePeriod: 20 * time.Second,
		MaxIncomingStreams: 8, MaxIncomingUniStreams: 8,
		EnableDatagrams: true, EnableStreamResetPartialDelivery: true,
	}
	if a.Memory != nil {
		c.TokenStore = a.Memory.tokens
	}
	if a.ReadBuffer > 0 {
		w := uint64(a.ReadBuffer)
		c.InitialStreamReceiveWindow, c.MaxStreamReceiveWindow = w, w
		c.InitialConnectionReceiveWindow, c.MaxConnectionReceiveWindow = 4*w, 4*w
	}
	return c
}

// take returns the socket of a source.
func (s *sockets) take(from netip.Addr) (*socket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if so, ok := s.open[from]; ok {
		so.used++
		return so, nil
	}
	local := &net.UDPAddr{}
	if from.IsValid() {
		local = net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	conn, err := net.ListenUDP("udp", local)
	if err != nil {
		return nil, err
	}
	so := &socket{from: from, transport: &quic.Transport{Conn: conn}, used: 1}
	if s.open == nil {
		s.open = map[netip.Addr]*socket{}
	}
	s.open[from] = so
	return so, nil
}

func (s *sockets) release(so *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if so.used--; so.used == 0 && s.open[so.from] == so {
		delete(s.open, so.from)
		so.shut()
	}
}

func (so *socket) shut() {
	_ = so.transport.Close()
	_ = so.transport.Conn.Close()
}

// close closes what is open.
func (s *sockets) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, so := range s.open {
		so.shut()
	}
	s.open = nil
}
