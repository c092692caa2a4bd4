//go:build !linux

package street

import (
	"context"
	"errors"
	"net/netip"

	"everything.local/client"
	"everything.local/loadtest/relay"
)

// Link is one of the two networks.
type Link string

// The links.
const (
	Wifi Link = "wifi"
	Cell Link = "cell"
)

// Address is the machine's on a link; there is none here.
func Address(Link) netip.Addr { return netip.Addr{} }

// Street cannot be made here.
type Street struct{}

var errHere = errors.New("street: network namespaces are Linux's")

// Open fails.
func Open(context.Context) (*Street, error) { return nil, errHere }

// Close does nothing.
func (*Street) Close(context.Context) error { return nil }

// Up fails.
func (*Street) Up(context.Context, Link) error { return errHere }

// Down fails.
func (*Street) Down(context.Context, Link) error { return errHere }

// Prefer fails.
func (*Street) Prefer(context.Context, Link) error { return errHere }

// Unprefer fails.
func (*Street) Unprefer(context.Context, Link) error { return errHere }

// Listen fails.
func (*Street) Listen() (relay.Sockets, error) { return relay.Sockets{}, errHere }

// Machine is the system's.
func (*Street) Machine() client.Network { return client.System() }
