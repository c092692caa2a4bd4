package transport

import (
	"context"
	"net"
	"testing"
	"testing/synctest"

	"github.com/quic-go/quic-go"
)

// TestPeers: who has connection ids is known by the packets of the handshake,
// for as long as the connection lives.
func TestPeers(t *testing.T) { synctest.Test(t, testPeers) }

func testPeers(t *testing.T) {
	p := newPeers()
	at := net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1000}
	mapped := net.UDPAddr{IP: net.IPv4(192, 0, 2, 1).To16(), Port: 1000}
	ctx, end := context.WithCancel(t.Context())
	own := p.enter(ctx, &quic.ClientInfo{RemoteAddr: &at}).Value(peerKey{}).(*peer)
	for _, c := range []struct {
		name   string
		packet []byte
		to     net.UDPAddr
		want   bool
	}{
		{"none", []byte{0xc0, 0, 0, 0, 1, 0, 8}, at, false},
		{"in a short header", []byte{0x40, 0, 0, 0, 1, 4, 8}, at, false},
		{"cut short", []byte{0xc0, 0, 0, 0, 1}, at, false},
		{"to somebody else", []byte{0xc0, 0, 0, 0, 1, 4, 8}, net.UDPAddr{IP: at.IP, Port: 1001}, false},
		{"of four bytes", []byte{0xc0, 0, 0, 0, 1, 4, 8}, mapped, true},
	} {
		p.sent(c.packet, &c.to)
		if got := own.ids.Load(); got != c.want {
			t.Errorf("%s: ids %v, want %v", c.name, got, c.want)
		}
	}

	end()
	synctest.Wait()
	if len(p.at) != 0 {
		t.Errorf("%d clients are known when all have gone", len(p.at))
	}
	if (*peers)(nil).enter(t.Context(), &quic.ClientInfo{RemoteAddr: &at}).Value(peerKey{}) != nil {
		t.Error("a client is known where nobody listens in")
	}
}
