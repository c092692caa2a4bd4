package client

import (
	"context"
	"sync"
)

// roaming runs the roamer of a feed's connection for as long as the feed is
// open. The nil roaming is that of a feed over TCP.
type roaming struct {
	*roamer

	stop    context.CancelFunc
	running sync.WaitGroup
}

// roam starts to keep a connection on a path, until it ends or is left. That is
// later than ctx may end.
func (c *Client) roam(ctx context.Context, on *quicCarrier, pace Pace) *roaming {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	r := &roaming{roamer: newRoamer(c.config.Network, on.hub(), on, on.first, pace), stop: stop}
	r.running.Go(func() { r.run(ctx) })
	return r
}

func (r *roaming) close() {
	if r != nil {
		r.stop()
		r.running.Wait()
	}
}

// keeper is the roamer, nil over TCP.
func (r *roaming) keeper() *roamer {
	if r == nil {
		return nil
	}
	return r.roamer
}
