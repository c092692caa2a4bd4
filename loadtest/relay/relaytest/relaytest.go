// Package relaytest puts relays before hubs in tests.
package relaytest

import (
	"context"
	"net/netip"
	"testing"

	"everything.local/loadtest/relay"
)

// Run runs a relay until the test ends, which fails if the relay does. Without
// Listen it is on loopback.
func Run(t *testing.T, c relay.Config) *relay.Relay {
	t.Helper()
	if c.Listen == (relay.Sockets{}) {
		var err error
		if c.Listen, err = relay.Listen(netip.AddrFrom4([4]byte{127, 0, 0, 1})); err != nil {
			t.Fatal(err)
		}
	}
	r := relay.New(c)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return r
}
