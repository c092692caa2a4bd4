package client

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"
)

// Path is a way out of this machine: an interface, by the address that what
// leaves there comes from. The zero Path leaves the choice to the kernel.
type Path struct {
	// Interface is its name, like wlan0.
	Interface string
	// Local is the address of this machine there.
	Local netip.Addr
}

// String names a path for a person: its interface.
func (p Path) String() string {
	if p.Interface == "" {
		return "any"
	}
	return p.Interface
}

// Network is what a client sees of the machine's networks, and how it opens
// sockets there. Leave Config.Network nil for that of the system; an app whose
// system has networks of its own to choose from, as Android and iOS do, brings
// its own. Its methods are called by any number of goroutines.
type Network interface {
	// Paths lists the ways to an address, the one that the system would choose
	// first. None at all means that there is nothing to choose from: sockets
	// are then opened on the zero Path.
	Paths(to netip.Addr) ([]Path, error)
	// ListenUDP opens a socket that sends on a path.
	ListenUDP(on Path) (*net.UDPConn, error)
	// DialTCP connects by the way that the system chooses.
	DialTCP(ctx context.Context, address string) (net.Conn, error)
	// Watch calls changed when the paths may have changed, and returns when ctx
	// ends.
	Watch(ctx context.Context, changed func())
}

// systemNetwork is what the system itself says and does.
type systemNetwork struct{}

// System is the Network of this machine as its kernel has it.
func System() Network { return systemNetwork{} }

// Paths implements Network.
func (systemNetwork) Paths(to netip.Addr) ([]Path, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	chosen := chosenFor(to)
	var paths []Path
	for _, i := range interfaces {
		const usable = net.FlagUp | net.FlagRunning
		if i.Flags&usable != usable || (i.Flags&net.FlagLoopback != 0) != to.IsLoopback() {
			continue
		}
		addresses, err := i.Addrs()
		if err != nil {
			continue // it has gone just now
		}
		local, ok := suitable(addresses, to, chosen)
		if p := (Path{Interface: i.Name, Local: local}); ok && (local == chosen || routed(p, to)) {
			paths = append(paths, p)
		}
	}
	slices.SortStableFunc(paths, func(a, b Path) int {
		switch {
		case a.Local == chosen:
			return -1
		case b.Local == chosen:
			return 1
		}
		return 0
	})
	return paths, nil
}

// suitable returns the address of an interface to send to another one from:
// the chosen one if it is there, else the first of the same kind.
func suitable(addresses []net.Addr, to, chosen netip.Addr) (best netip.Addr, ok bool) {
	for _, a := range addresses {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		local := prefix.Addr()
		if local.IsLinkLocalUnicast() {
			local = local.WithZone(to.Zone())
		}
		if local == chosen {
			return local, true
		}
		if !ok && local.Is4() == to.Is4() && local.IsLinkLocalUnicast() == to.IsLinkLocalUnicast() {
			best, ok = local, true
		}
	}
	return best, ok
}

// discard is any port but 0.
const discard = 9

// chosenFor is the address that the kernel would send to another one from; none
// without a route. Nothing is sent.
func chosenFor(to netip.Addr) netip.Addr {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, discard)))
	if err != nil {
		return netip.Addr{}
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}

// routed reports whether there is a route to an address on a path: bridges of
// containers and tunnels have addresses and lead elsewhere. Nothing is sent.
func routed(p Path, to netip.Addr) bool {
	d := net.Dialer{LocalAddr: net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.Local, 0)), Control: bindTo(p.Interface)}
	c, err := d.Dial("udp", netip.AddrPortFrom(to, discard).String())
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// ListenUDP implements Network.
func (systemNetwork) ListenUDP(on Path) (*net.UDPConn, error) {
	if on == (Path{}) {
		return net.ListenUDP("udp", nil)
	}
	l := net.ListenConfig{Control: bindTo(on.Interface)}
	c, err := l.ListenPacket(context.Background(), "udp", netip.AddrPortFrom(on.Local, 0).String())
	if err != nil {
		return nil, err
	}
	return c.(*net.UDPConn), nil
}

// DialTCP implements Network.
func (systemNetwork) DialTCP(ctx context.Context, address string) (net.Conn, error) {
	return (&net.Dialer{Timeout: connectWithin}).DialContext(ctx, "tcp", address)
}

// lookEvery is how often addresses are compared where the kernel tells nothing.
const lookEvery = time.Second

// Watch implements Network.
func (systemNetwork) Watch(ctx context.Context, changed func()) {
	if listenForChanges(ctx, changed) != nil {
		compareAddresses(ctx, changed)
	}
}

// compareAddresses calls changed when this machine's addresses are not what they were.
func compareAddresses(ctx context.Context, changed func()) {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	before := present()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if now := present(); !slices.Equal(before, now) {
				before = now
				changed()
			}
		}
	}
}

func present() []string {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	names := make([]string, len(all))
	for i, a := range all {
		names[i] = a.String()
	}
	slices.Sort(names)
	return names
}
