package transport

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/quic-go/quic-go"
)

// peers knows the clients by the addresses that their connections began at.
type peers struct {
	mu sync.Mutex
	at map[netip.AddrPort]*peer
}

// peer is what is known of a client.
type peer struct {
	// ids says that its connection ids are not empty.
	ids atomic.Bool
}

type peerKey struct{}

func newPeers() *peers { return &peers{at: make(map[netip.AddrPort]*peer)} }

// enter remembers a client until ctx ends, and returns the context of its
// connection.
func (p *peers) enter(ctx context.Context, info *quic.ClientInfo) context.Context {
	at, ok := addrPortOf(info.RemoteAddr)
	if p == nil || !ok {
		return ctx
	}
	own := new(peer)
	p.mu.Lock()
	p.at[at] = own // of several connections of one socket, all are alike
	p.mu.Unlock()
	context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.at[at] == own {
			delete(p.at, at)
		}
	})
	return context.WithValue(ctx, peerKey{}, own)
}

// overheard is a socket that tells of packets before it sends them.
type overheard struct {
	tolerant
	sent func(b []byte, to *net.UDPAddr)
}

// WriteMsgUDP sends a packet of a connection.
func (o overheard) WriteMsgUDP(b, oob []byte, to *net.UDPAddr) (int, int, error) {
	o.sent(b, to)
	return o.tolerant.WriteMsgUDP(b, oob, to)
}

// longHeader is the bit of a packet's first byte that those of a handshake have,
// and toLen where they have the length of the client's connection id (RFC 9000,
// section 17.2).
const (
	longHeader = 0x80
	toLen      = 5
)

// sent looks at a packet to a client: those of its handshake name it.
func (p *peers) sent(b []byte, to *net.UDPAddr) {
	if len(b) <= toLen || b[0]&longHeader == 0 || b[toLen] == 0 {
		return
	}
	at, _ := addrPortOf(to)
	p.mu.Lock()
	own := p.at[at]
	p.mu.Unlock()
	if own != nil {
		own.ids.Store(true)
	}
}

func addrPortOf(a net.Addr) (netip.AddrPort, bool) {
	udp, ok := a.(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}, false
	}
	at := udp.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), true
}
