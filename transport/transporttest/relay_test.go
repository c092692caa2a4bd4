package transporttest

import (
	"net"
	"net/netip"
	"sync/atomic"
	"testing"

	"everything.local/loadtest/relay"
	"everything.local/loadtest/relay/relaytest"
)

// nat is a relay whose clients have an address that it can change from one
// packet to the next.
type nat struct {
	*relay.Relay

	at atomic.Pointer[netip.Addr]
}

// newNAT returns a relay to hub whose packets come from the address from. It
// ends with the test.
func newNAT(t *testing.T, hub net.Addr, from netip.Addr) *nat {
	t.Helper()
	n := new(nat)
	n.at.Store(&from)
	to, err := netip.ParseAddrPort(hub.String())
	if err != nil {
		t.Fatal(err)
	}
	n.Relay = relaytest.Run(t, relay.Config{To: to, Via: func(netip.Addr) netip.Addr { return *n.at.Load() }})
	return n
}

// rebind has packets come from another port of an address from now on. What is
// on its way to the old one is lost.
func (n *nat) rebind(from netip.Addr) {
	n.at.Store(&from)
	n.Rebind()
}

func listenUDP(t *testing.T, ip net.IP) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: ip})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
