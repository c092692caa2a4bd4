package transporttest

import (
	"net"
	"sync"
	"testing"
)

// relay is a NAT that one client's packets go through, and that can give it
// another address from one packet to the next.
type relay struct {
	t   *testing.T
	hub net.Addr
	in  *net.UDPConn // the client's side

	mu     sync.Mutex
	out    *net.UDPConn // the hub's side
	client net.Addr     // who has sent last
	moving sync.WaitGroup
}

// newRelay returns a relay to hub whose packets come from the address from. It
// ends with the test.
func newRelay(t *testing.T, hub net.Addr, from net.IP) *relay {
	t.Helper()
	r := &relay{t: t, hub: hub, in: listenUDP(t, net.IPv4(127, 0, 0, 1))}
	r.rebind(from)
	r.moving.Go(r.forward)
	t.Cleanup(func() {
		_ = r.in.Close()
		r.mu.Lock()
		_ = r.out.Close()
		r.mu.Unlock()
		r.moving.Wait()
	})
	return r
}

// rebind has packets come from another port of an address from now on. What is
// on its way to the old one is lost.
func (r *relay) rebind(from net.IP) {
	r.t.Helper()
	out := listenUDP(r.t, from)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.out != nil {
		_ = r.out.Close()
	}
	r.out = out
	r.moving.Go(func() { r.back(out) })
}

// forward carries packets to the hub until the relay ends.
func (r *relay) forward() {
	b := make([]byte, 2048)
	for {
		n, from, err := r.in.ReadFrom(b)
		if err != nil {
			return
		}
		r.mu.Lock()
		r.client = from
		_, _ = r.out.WriteTo(b[:n], r.hub) // a packet may be lost
		r.mu.Unlock()
	}
}

// back carries packets to the client until the address is given up.
func (r *relay) back(out *net.UDPConn) {
	b := make([]byte, 2048)
	for {
		n, _, err := out.ReadFrom(b)
		if err != nil {
			return
		}
		r.mu.Lock()
		to := r.client
		r.mu.Unlock()
		if to != nil {
			_, _ = r.in.WriteTo(b[:n], to)
		}
	}
}

func listenUDP(t *testing.T, ip net.IP) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: ip})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
