package street

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"everything.local/client"
	"everything.local/loadtest/relay"
)

// Link is one of the two networks.
type Link string

// The links. The machine prefers Wifi until told otherwise.
const (
	Wifi Link = "wifi"
	Cell Link = "cell"
)

// far is where both links lead.
const far = "10.77.0.1"

// subnet is the number of a link's own network, 10.<n>.0.0/24: the near end is
// its .2, the far end its .1.
var subnet = map[Link]int{Wifi: 78, Cell: 79}

// Address is the machine's on a link.
func Address(l Link) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(subnet[l]), 0, 2})
}

// Street is two namespaces: near is the machine, far where the hub is. It is for
// one goroutine; sockets made in it may be used by any.
type Street struct {
	near, far string // names
}

// made counts the streets of this process, for their names.
var made atomic.Int64

// Open makes a Street; Close takes it away.
func Open(ctx context.Context) (*Street, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("street: networks of its own are for root to make")
	}
	name := fmt.Sprintf("street-%d-%d", os.Getpid(), made.Add(1))
	s := &Street{near: name + "n", far: name + "f"}
	if err := s.make(ctx); err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return s, nil
}

func (s *Street) make(ctx context.Context) error {
	lines := []string{
		"netns add " + s.near, "netns add " + s.far,
		"-n " + s.near + " link set lo up", "-n " + s.far + " link set lo up",
		"-n " + s.far + " addr add " + far + "/32 dev lo",
	}
	for l, n := range subnet {
		lines = append(lines,
			fmt.Sprintf("-n %s link add %s type veth peer name %s netns %s", s.far, l, l, s.near),
			fmt.Sprintf("-n %s addr add 10.%d.0.1/24 dev %s", s.far, n, l),
			fmt.Sprintf("-n %s link set %s up", s.far, l),
			fmt.Sprintf("-n %s addr add 10.%d.0.2/24 dev %s", s.near, n, l))
	}
	for _, line := range lines {
		if err := ip(ctx, line); err != nil {
			return err
		}
	}
	// A packet may come in by another link than one to its sender would leave by.
	if err := within(s.near, func() error {
		return os.WriteFile("/proc/sys/net/ipv4/conf/all/rp_filter", []byte("0"), 0)
	}); err != nil {
		return err
	}
	return errors.Join(s.Up(ctx, Wifi), s.Up(ctx, Cell))
}

// ip runs the command, whose arguments have no spaces in them.
func ip(ctx context.Context, line string) error {
	out, err := exec.CommandContext(ctx, "ip", strings.Fields(line)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("street: ip %s: %w: %s", line, err, out)
	}
	return nil
}

// Close takes the street away, also when ctx has ended. Sockets made in it must
// be closed before.
func (s *Street) Close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	var failed []error
	for _, name := range []string{s.near, s.far} {
		if _, err := os.Stat(filepath.Join("/run/netns", name)); err == nil {
			failed = append(failed, ip(ctx, "netns del "+name))
		}
	}
	return errors.Join(failed...)
}

// metric is how little a link is liked while it is not the preferred one.
var metric = map[Link]int{Wifi: 100, Cell: 200}

// preferred is the metric of one that is.
const preferred = 50

// Up puts a link up at the machine, with its route to the far end.
func (s *Street) Up(ctx context.Context, l Link) error {
	if err := ip(ctx, fmt.Sprintf("-n %s link set %s up", s.near, l)); err != nil {
		return err
	}
	return s.route(ctx, "replace", l, metric[l])
}

// Down takes a link down at the machine: its routes go with it.
func (s *Street) Down(ctx context.Context, l Link) error {
	return ip(ctx, fmt.Sprintf("-n %s link set %s down", s.near, l))
}

// Prefer makes a link the one that the machine's system would choose.
func (s *Street) Prefer(ctx context.Context, l Link) error {
	return s.route(ctx, "add", l, preferred)
}

// Unprefer takes a preference back.
func (s *Street) Unprefer(ctx context.Context, l Link) error {
	return s.route(ctx, "del", l, preferred)
}

func (s *Street) route(ctx context.Context, what string, l Link, metric int) error {
	return ip(ctx, fmt.Sprintf("-n %s route %s %s/32 via 10.%d.0.1 dev %s metric %d", s.near, what, far, subnet[l], l, metric))
}

// Listen opens sockets at the far end, for a relay.
func (s *Street) Listen() (sockets relay.Sockets, err error) {
	return sockets, within(s.far, func() error {
		sockets, err = relay.Listen(netip.MustParseAddr(far))
		return err
	})
}

// Machine is what a client on the machine sees of its networks.
func (s *Street) Machine() client.Network { return machine{client.System(), s.near} }

// machine does in a namespace what the system's network does.
type machine struct {
	system client.Network
	name   string
}

// Paths implements client.Network.
func (m machine) Paths(to netip.Addr) (paths []client.Path, err error) {
	return paths, within(m.name, func() error {
		paths, err = m.system.Paths(to)
		return err
	})
}

// ListenUDP implements client.Network.
func (m machine) ListenUDP(on client.Path) (c *net.UDPConn, err error) {
	return c, within(m.name, func() error {
		c, err = m.system.ListenUDP(on)
		return err
	})
}

// DialTCP implements client.Network.
func (m machine) DialTCP(ctx context.Context, address string) (c net.Conn, err error) {
	return c, within(m.name, func() error {
		c, err = m.system.DialTCP(ctx, address)
		return err
	})
}

// Watch implements client.Network.
func (m machine) Watch(ctx context.Context, changed func()) {
	_ = within(m.name, func() error { // without the namespace there is nothing to watch
		m.system.Watch(ctx, changed)
		return nil
	})
}

// within runs do in a namespace. Sockets belong to the one that they were made
// in, wherever they are used.
func within(name string, do func() error) error {
	done := make(chan error, 1)
	go func() { // waited for below
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		done <- enter(name, do)
	}()
	return <-done
}

func enter(name string, do func() error) error {
	f, err := os.Open(filepath.Join("/run/netns", name))
	if err != nil {
		return fmt.Errorf("street: %w", err)
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("street: enter %s: %w", name, err)
	}
	return do()
}
