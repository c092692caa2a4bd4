package relay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// maxDatagram is more than any that QUIC sends over Ethernet.
	maxDatagram = 2048
	// maxWays bounds how many clients have a way through a relay, and with them
	// its sockets.
	maxWays = 16384
	// socketBuffer in bytes holds a burst to all clients while this process
	// waits for its turn.
	socketBuffer = 4 << 20
)

// Config is what a Relay stands between. All but Via is required.
type Config struct {
	// Listen is what clients send to. Datagrams come in on it, and TCP on the
	// same number.
	Listen Sockets
	// To is the hub.
	To netip.AddrPort
	// Via is what the hub sees a client's datagrams come from; nil for whatever
	// address the kernel takes.
	Via func(client netip.Addr) netip.Addr
}

// Relay passes datagrams between clients and a hub, each client by a socket of
// its own as a NAT does, and TCP unread. Its methods may be called by any number
// of goroutines. The sockets are closed when Run returns.
type Relay struct {
	cfg     Config
	weather atomic.Pointer[Weather]

	mu sync.Mutex
	// dark is the client's address that leads nowhere, light told when it changes.
	dark  netip.Addr
	light *sync.Cond
	ways  map[netip.AddrPort]*way
	// lines are the open ends of TCP.
	lines   map[net.Conn]struct{}
	noTCP   bool
	ended   bool
	running sync.WaitGroup
}

// New returns a Relay that passes nothing until Run.
func New(cfg Config) *Relay {
	r := &Relay{cfg: cfg, ways: map[netip.AddrPort]*way{}, lines: map[net.Conn]struct{}{}}
	r.weather.Store(&Weather{})
	r.light = sync.NewCond(&r.mu)
	return r
}

// Addr is where clients find the hub.
func (r *Relay) Addr() netip.AddrPort {
	return r.cfg.Listen.UDP.LocalAddr().(*net.UDPAddr).AddrPort()
}

// SetWeather changes what happens to datagrams from now on; those under way
// have met their fate.
func (r *Relay) SetWeather(w Weather) { r.weather.Store(&w) }

// Darken lets nothing pass to and from one address of the clients, and all
// others pass again; the zero Addr darkens none.
func (r *Relay) Darken(client netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dark = client
	r.light.Broadcast()
}

func (r *Relay) isDark(client netip.AddrPort) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return client.Addr().Unmap() == r.dark
}

// Rebind gives every client a new address, as a NAT does that has forgotten it:
// what the hub still sends to the old one is lost, and nobody is told. The way
// back is open again with the client's next datagram.
func (r *Relay) Rebind() {
	r.mu.Lock()
	old := r.ways
	r.ways = map[netip.AddrPort]*way{}
	r.mu.Unlock()
	for _, w := range old {
		w.close()
	}
}

// Run passes datagrams and bytes until ctx ends, and returns nil then.
func (r *Relay) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.passDatagrams(ctx) })
	g.Go(func() error { return r.passLines(ctx) })
	g.Go(func() error {
		<-ctx.Done()
		r.end()
		return nil
	})
	err := g.Wait()
	r.running.Wait()
	return err
}

func (r *Relay) end() {
	_ = r.cfg.Listen.UDP.Close() // what is under way is lost, as always
	_ = r.cfg.Listen.TCP.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	r.light.Broadcast()
	for _, w := range r.ways {
		w.close()
	}
	for c := range r.lines {
		_ = c.Close()
	}
}

func (r *Relay) passDatagrams(ctx context.Context) error {
	b := make([]byte, maxDatagram)
	for {
		n, from, err := r.cfg.Listen.UDP.ReadFromUDPAddrPort(b)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the socket was closed to end this
		case err != nil:
			continue // the answer to an earlier datagram, whose receiver has gone
		}
		w, err := r.way(from)
		if err != nil {
			return fmt.Errorf("relay: %w", err)
		}
		if w != nil {
			r.pass(w, b[:n], func(b []byte) { _, _ = w.out.Write(b) })
		}
	}
}

// pass lets a datagram meet its fate.
func (r *Relay) pass(w *way, b []byte, send func([]byte)) {
	after, arrives := r.weather.Load().fate()
	switch {
	case !arrives, r.isDark(w.client):
	case after == 0:
		send(b)
	default:
		late := append([]byte(nil), b...)
		r.running.Add(1)
		time.AfterFunc(after, func() {
			defer r.running.Done()
			send(late)
		})
	}
}

// way returns a client's, a new one if need be; nil when there are too many.
func (r *Relay) way(client netip.AddrPort) (*way, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if w := r.ways[client]; w != nil {
		return w, nil
	}
	if r.ended || len(r.ways) == maxWays {
		return nil, nil
	}
	var local *net.UDPAddr
	if r.cfg.Via != nil {
		local = net.UDPAddrFromAddrPort(netip.AddrPortFrom(r.cfg.Via(client.Addr().Unmap()), 0))
	}
	out, err := net.DialUDP("udp", local, net.UDPAddrFromAddrPort(r.cfg.To))
	if err != nil {
		return nil, err
	}
	w := &way{client: client, out: out}
	r.ways[client] = w
	r.running.Go(func() { r.back(w) })
	return w, nil
}

// back passes what the hub sends to a client.
func (r *Relay) back(w *way) {
	b := make([]byte, maxDatagram)
	for {
		n, err := w.out.Read(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // the hub is down: its clients shall find out by themselves
		}
		r.pass(w, b[:n], func(b []byte) { _, _ = r.cfg.Listen.UDP.WriteToUDPAddrPort(b, w.client) })
	}
}

// way is a client's through the relay.
type way struct {
	client netip.AddrPort
	out    *net.UDPConn
}

func (w *way) close() { _ = w.out.Close() }
