package transporttest

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"everything.local/transport/ndjson"
	"everything.local/transport/sse"
)

// noIDs has connection ids that are empty, as browsers do. A client is told by
// its address then, so that a socket is for one connection.
type noIDs struct{}

// GenerateConnectionID implements quic.ConnectionIDGenerator.
func (noIDs) GenerateConnectionID() (quic.ConnectionID, error) { return quic.ConnectionID{}, nil }

// ConnectionIDLen implements quic.ConnectionIDGenerator.
func (noIDs) ConnectionIDLen() int { return 0 }

// moving are the ways whose feeds outlive a move.
func moving() []Way {
	return []Way{webTransport(), HTTPWays(ndjson.Wire{}, ReadNDJSON)[2], HTTPWays(sse.Wire{}, ReadSSE)[2]}
}

// The networks that clients of tests move between.
var (
	home     = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	cellular = netip.AddrFrom4([4]byte{127, 0, 7, 1})
)

// mover is a client whose address changes under its connection.
type mover struct {
	Client

	t      *testing.T
	target Target
	// rebind gives it another address at an IP, as a NAT does.
	rebind func(netip.Addr)

	mu    sync.Mutex
	conns []*quic.Conn
	path  *quic.Path // the one it has switched to
}

// mover returns a client that has one connection. On sockets it is behind a
// relay, unless it is to move by itself: a relay would hide that from the hub.
func (w *world) mover(ids quic.ConnectionIDGenerator, byItself bool) *mover {
	w.t.Helper()
	m := &mover{t: w.t, target: w.target}
	m.target.ids = ids
	target := w.target
	target.ids = ids
	target.dialled = func(c *quic.Conn) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.conns = append(m.conns, c)
	}
	target.Packets = func() (net.PacketConn, net.Addr, error) {
		socket, to, err := w.target.Packets()
		if err != nil {
			return nil, nil, err
		}
		if host, ok := socket.(*packetHost); ok {
			m.rebind = host.rebind
		}
		if byItself || m.rebind != nil {
			return socket, to, nil
		}
		n := newNAT(w.t, to, home)
		m.rebind = n.rebind
		return socket, net.UDPAddrFromAddrPort(n.Addr()), nil
	}
	m.Client = w.way.Connect(target)
	w.t.Cleanup(m.Close)
	return m
}

// conn returns its connection, which has to be the only one.
func (m *mover) conn() *quic.Conn {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.conns) != 1 {
		m.t.Fatalf("the client has made %d connections", len(m.conns))
	}
	return m.conns[0]
}

// beat sends what a client sends now and then, above all when it has moved: a
// datagram of nobody's.
func (m *mover) beat() {
	m.t.Helper()
	if err := m.conn().SendDatagram(make([]byte, 24)); err != nil {
		m.t.Fatal(err)
	}
}

// switchTo moves it of its own accord, to a socket at another IP.
func (m *mover) switchTo(ip netip.Addr) {
	m.t.Helper()
	socket, _, err := m.target.Packets()
	if err != nil {
		m.t.Fatal(err)
	}
	if host, ok := socket.(*packetHost); ok {
		host.rebind(ip)
	} else {
		_ = socket.Close() // it has no address yet that matters
		socket = listenUDP(m.t, ip.AsSlice())
	}
	next := &quic.Transport{Conn: socket, ConnectionIDGenerator: m.target.ids}
	m.t.Cleanup(func() {
		m.Close() // the connection, which is on it
		_ = next.Close()
		_ = socket.Close()
	})
	// quic-go's client switches without the lock under which it has been asked
	// about its socket before.
	_ = m.conn().ConnectionState()
	path, err := m.conn().AddPath(next)
	if err != nil {
		m.t.Fatal(err)
	}
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	if err := path.Probe(ctx); err != nil {
		m.t.Fatalf("probe the way by %v: %v", ip, err)
	}
	if err := path.Switch(); err != nil {
		m.t.Fatal(err)
	}
	if m.path != nil {
		if err := m.path.Close(); err != nil { // its ids are the hub's to replace
			m.t.Fatal(err)
		}
	}
	m.path = path
}
