package client

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
)

// TestDetour holds what goes out where: a detour begins with the first packet
// that leaves by it, and one that was called off before never does.
func TestDetour(t *testing.T) {
	hub, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer hub.Close()
	to := hub.LocalAddr().(*net.UDPAddr)
	path := func(last byte) Path {
		return Path{"lo", netip.AddrFrom4([4]byte{127, 0, 0, last})}
	}
	wifi, cell := path(2), path(3)
	c := &quicCarrier{network: System(), on: wifi, sockets: map[Path]*socket{}}
	defer func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	}()
	send := func(on, seen Path) {
		t.Helper()
		s, err := c.socket(on)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.WriteMsgUDP([]byte("x"), nil, to); err != nil {
			t.Fatal(err)
		}
		_ = hub.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, from, err := hub.ReadFromUDPAddrPort(make([]byte, 1))
		if err != nil || from.Addr().Unmap() != seen.Local {
			t.Errorf("what was sent on %s came from %s: %v", on.Local, from, err)
		}
	}
	send(wifi, wifi)
	c.detour(cell)
	send(wifi, wifi) // the probe has not left yet
	send(cell, cell)
	send(wifi, cell)
	c.detour(Path{})
	send(wifi, wifi)
	c.detour(cell)
	c.detour(Path{})
	send(cell, cell)
	send(wifi, wifi)
}

// TestReceived holds that packets are counted by the path they came by.
func TestReceived(t *testing.T) {
	one := Path{"lo", netip.AddrFrom4([4]byte{127, 0, 0, 2})}
	c := &quicCarrier{network: System(), on: one, sockets: map[Path]*socket{}}
	defer c.close()
	s, err := c.socket(one)
	if err != nil {
		t.Fatal(err)
	}
	// The transport reads as soon as it has something to do.
	if _, err := s.transport.WriteTo([]byte("x"), s.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); c.received(one) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("nothing was counted")
		}
		<-time.After(time.Millisecond)
	}
	if n := c.received(Path{}); n != 0 {
		t.Errorf("%d came by no path", n)
	}
	var _ quic.OOBCapablePacketConn = s.tolerantConn
}
