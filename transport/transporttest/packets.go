package transporttest

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// packets is a network that carries datagrams at once and loses none that fit
// an inbox, for bubbles, where nothing may wait for the kernel.
type packets struct {
	mu    sync.Mutex
	hosts map[netip.AddrPort]*packetHost
	ports int // given out
}

// packet is a datagram on its way.
type packet struct {
	data []byte
	from net.Addr
}

// inbox is how many packets a host takes before it loses some: more than the
// windows of all connections of a scenario hold.
const inbox = 8192

// host returns a new host of the network.
func (p *packets) host() *packetHost {
	h := &packetHost{
		network: p, in: make(chan packet, inbox),
		closed: make(chan struct{}), deadline: make(chan struct{}),
	}
	h.rebind(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	return h
}

// rebind gives the host another port, at ip, as a NAT does before it. What is
// sent to the old one is lost.
func (h *packetHost) rebind(ip netip.Addr) {
	p := h.network
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hosts == nil {
		p.hosts = make(map[netip.AddrPort]*packetHost)
	}
	const firstPort = 10000
	delete(p.hosts, h.addr)
	h.addr = netip.AddrPortFrom(ip, uint16(firstPort+p.ports))
	p.ports++
	p.hosts[h.addr] = h
}

func (p *packets) send(to net.Addr, what packet) {
	at, err := netip.ParseAddrPort(to.String())
	if err != nil {
		return // nobody is there
	}
	p.mu.Lock()
	h := p.hosts[at]
	p.mu.Unlock()
	if h == nil || h.dead.Load() {
		return
	}
	select {
	case h.in <- what:
	default: // lost
	}
}

// packetHost is one end of the network: a net.PacketConn.
type packetHost struct {
	network  *packets
	addr     netip.AddrPort // network.mu guards it
	in       chan packet
	once     sync.Once
	closed   chan struct{}
	late     sync.Once
	deadline chan struct{} // closed when reads are to give up
	// dead says that nothing gets in or out any more.
	dead atomic.Bool
}

// ReadFrom implements net.PacketConn.
func (h *packetHost) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case p := <-h.in:
		return copy(b, p.data), p.from, nil
	case <-h.deadline:
		return 0, nil, os.ErrDeadlineExceeded
	case <-h.closed:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo implements net.PacketConn.
func (h *packetHost) WriteTo(b []byte, to net.Addr) (int, error) {
	select {
	case <-h.closed:
		return 0, net.ErrClosed
	default:
	}
	if h.dead.Load() {
		return len(b), nil
	}
	h.network.send(to, packet{append([]byte(nil), b...), h.LocalAddr()})
	return len(b), nil
}

// Close implements net.PacketConn.
func (h *packetHost) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// LocalAddr implements net.PacketConn.
func (h *packetHost) LocalAddr() net.Addr {
	h.network.mu.Lock()
	defer h.network.mu.Unlock()
	return net.UDPAddrFromAddrPort(h.addr)
}

// SetReadDeadline implements net.PacketConn for what QUIC needs of it: a
// deadline that has passed ends all reading.
func (h *packetHost) SetReadDeadline(t time.Time) error {
	if !t.IsZero() && time.Until(t) <= 0 {
		h.late.Do(func() { close(h.deadline) })
	}
	return nil
}

// SetWriteDeadline implements net.PacketConn; writes never wait.
func (*packetHost) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline implements net.PacketConn.
func (h *packetHost) SetDeadline(t time.Time) error { return h.SetReadDeadline(t) }
