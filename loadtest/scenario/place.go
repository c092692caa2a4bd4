package scenario

import (
	"context"
	"errors"
	"net/netip"
	"sync"

	"everything.local/client"
	"everything.local/loadtest/relay"
	"everything.local/loadtest/street"
)

// place is where a journey takes place: a relay before the hub and, where real
// networks change, a street.
type place struct {
	relay   *relay.Relay
	street  *street.Street
	network client.Network

	stop    context.CancelFunc
	running sync.WaitGroup
	err     error
}

// open makes the place of a journey. The hub sees wifi and cell as networks of
// their own.
func (r *Run) open(ctx context.Context, j *journey) (*place, error) {
	p := &place{network: client.System()}
	to, err := netip.ParseAddrPort(r.addr())
	if err != nil {
		return nil, err
	}
	c := relay.Config{To: to}
	if j.street {
		if p.street, err = street.Open(ctx); err != nil {
			return nil, err
		}
		p.network = p.street.Machine()
		c.Listen, err = p.street.Listen()
		c.Via = via
	} else {
		c.Listen, err = relay.Listen(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	if err != nil {
		return nil, errors.Join(err, p.close(ctx))
	}
	p.relay = relay.New(c)
	relaying, stop := context.WithCancel(context.WithoutCancel(ctx))
	p.stop = stop
	p.running.Go(func() { p.err = p.relay.Run(relaying) })
	return p, nil
}

// via gives each network of the street an address before the hub.
func via(near netip.Addr) netip.Addr {
	a := near.As4()
	return netip.AddrFrom4([4]byte{127, a[1], 0, 1})
}

func (p *place) close(ctx context.Context) error {
	if p.stop != nil {
		p.stop()
		p.running.Wait()
	}
	if p.street == nil {
		return p.err
	}
	return errors.Join(p.err, p.street.Close(ctx))
}
