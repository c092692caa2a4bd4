package client

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
)

// dialer opens QUIC connections.
type dialer struct {
	network Network
	// first is the path to try first, if it is there; the zero Path for the one
	// that the network puts first.
	first Path
}

// pathStart is how long a path is ahead of the next: two round trips, on a bad
// line.
const pathStart = 250 * time.Millisecond

// dial opens a connection to a hub, over the first path that leads there. The
// certificate must be for the host of address, unless t says for whom.
func (d dialer) dial(ctx context.Context, address string, t *tls.Config, q *quic.Config) (*quicCarrier, error) {
	to, err := resolve(ctx, address)
	if err != nil {
		return nil, err
	}
	if t.ServerName == "" {
		t = t.Clone()
		t.ServerName, _, _ = net.SplitHostPort(address) // which resolve has done
	}
	paths, err := d.network.Paths(to.Addr())
	if err != nil || len(paths) == 0 {
		paths = []Path{{}}
	}
	if i := slices.Index(paths, d.first); i > 0 {
		paths = append([]Path{d.first}, slices.Delete(slices.Clone(paths), i, i+1)...)
	}
	paths = paths[:min(len(paths), maxProbes)]
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		trying sync.WaitGroup
		mu     sync.Mutex
		won    *quicCarrier
		failed []error
	)
	for i, p := range paths {
		trying.Go(func() {
			c, err := d.dialOn(ctx, p, time.Duration(i)*pathStart, to, t, q)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				failed = append(failed, err)
			case won == nil:
				won = c
				cancel()
			default:
				_ = c.end() // it came too late
			}
		})
	}
	trying.Wait()
	if won == nil {
		return nil, errors.Join(failed...)
	}
	return won, nil
}

// dialOn opens a connection on a path, after a while.
func (d dialer) dialOn(ctx context.Context, on Path, after time.Duration, to netip.AddrPort, t *tls.Config, q *quic.Config) (*quicCarrier, error) {
	if err := pause(ctx, after); err != nil {
		return nil, err
	}
	c := &quicCarrier{network: d.network, first: on, on: on, sockets: map[Path]*socket{}}
	s, err := c.socket(on)
	if err != nil {
		return nil, err
	}
	if c.conn, err = s.transport.Dial(ctx, net.UDPAddrFromAddrPort(to), t, q); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// resolve looks an address up. Of several that of the hub's first is taken, as
// net.ResolveUDPAddr does; but it stops with ctx.
func resolve(ctx context.Context, address string) (netip.AddrPort, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "udp", service)
	if err != nil {
		return netip.AddrPort{}, err
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	best := found[0].Unmap()
	for _, a := range found {
		if a = a.Unmap(); a.Is4() { // a hub's IPv6 addresses come and go with the provider's
			best = a
			break
		}
	}
	return netip.AddrPortFrom(best, uint16(port)), nil
}
