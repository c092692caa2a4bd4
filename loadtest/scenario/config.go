package scenario

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"time"

	"everything.local/loadtest/feed"
	"everything.local/loadtest/meter"
)

// What a run may ask for at most, so that a slip of the finger harms nobody.
const (
	maxWatchers = 50_000
	maxRate     = 20_000
	maxFor      = 24 * time.Hour
	maxRounds   = 25
	maxSwitches = 100_000
	// maxSteps bounds what one cell makes happen, and with it the memory of
	// the check: a bit for each step and watcher.
	maxSteps = 2_000_000
)

// Config is what a run is asked for.
type Config struct {
	// Target is the hub's address, TLS how its certificate is checked.
	Target *url.URL
	TLS    *tls.Config
	// Token is a barista's or an admin's.
	Token string

	Wires    []feed.Wire
	Watchers int
	// Rate is how many messages, or whole orders, a second.
	Rate float64
	// For is how long each cell takes, Rounds how often all cells are measured.
	For    time.Duration
	Rounds int
	// Bytes is the size of a message's value, Keys how many keys they rotate
	// over: a state is superseded only after so many messages.
	Bytes, Keys int
	// Mix is how mixed crowds are spread over the wires; empty for evenly.
	Mix []Share
	// Guests are the customers of the cafe.
	Guests int
	// P99 is what saturate holds; it tries no rate above MaxRate.
	P99     time.Duration
	MaxRate float64

	// Switches is how many of each of the Journeys migrate makes, all if none are
	// named. Restart is the command that restarts the hub.
	Switches int
	Journeys []string
	Restart  string

	// PID is the hub's process, 0 for none; Pin keeps it on core 0 and this
	// program on core 1. FsyncDir is where the floor writes.
	PID      meter.Process
	Pin      bool
	FsyncDir string

	// Own says that a target elsewhere is the caller's; RealOrders that orders
	// may be placed on a hub that is not for tests.
	Own, RealOrders bool
	// NoFloor leaves the floor out.
	NoFloor bool
	// FloorArgs make this program the floor's server.
	FloorArgs []string
	Progress  io.Writer
}

// ErrConfig is a run that must not or cannot be made as it was asked for.
var ErrConfig = errors.New("this cannot be run")

func (c *Config) check() error {
	addr, err := netip.ParseAddr(c.Target.Hostname())
	local := c.Target.Hostname() == "localhost" || err == nil && addr.IsLoopback()
	switch {
	case !local && !c.Own:
		return fmt.Errorf("%w: %s is another machine. A load test can take a hub down; if this one is yours, say --i-own-this-target", ErrConfig, c.Target.Host)
	case c.Watchers < 0 || c.Watchers > maxWatchers:
		return fmt.Errorf("%w: --watchers is 0 to %d", ErrConfig, maxWatchers)
	case c.Guests < 1 || c.Guests > 2000:
		return fmt.Errorf("%w: --guests is 1 to 2000", ErrConfig)
	case c.Rate <= 0 || c.Rate > maxRate:
		return fmt.Errorf("%w: --rate is above 0 and at most %d a second", ErrConfig, maxRate)
	case c.For < time.Second || c.For > maxFor:
		return fmt.Errorf("%w: --for is 1s to %v", ErrConfig, maxFor)
	case c.Rounds < 1 || c.Rounds > maxRounds:
		return fmt.Errorf("%w: --rounds is 1 to %d", ErrConfig, maxRounds)
	case c.Keys < 1 || c.Keys > 400:
		return fmt.Errorf("%w: --keys is 1 to 400, for a menu has 500 items at most", ErrConfig)
	case c.Bytes < leastValue || c.Bytes > mostValue:
		return fmt.Errorf("%w: --bytes is %d to %d", ErrConfig, leastValue, mostValue)
	case c.steps() > maxSteps:
		return fmt.Errorf("%w: %g a second for %v are more than %d messages; choose less of one", ErrConfig, c.Rate, c.For, maxSteps)
	case c.steps() > c.Keys*rounds:
		return fmt.Errorf("%w: %d messages are too many for %d keys; choose more keys", ErrConfig, c.steps(), c.Keys)
	case c.Switches < 0 || c.Switches > maxSwitches:
		return fmt.Errorf("%w: --switches is 0 to %d", ErrConfig, maxSwitches)
	case c.Pin && c.PID == 0:
		return fmt.Errorf("%w: --pin needs the hub's process; give --pid", ErrConfig)
	}
	return nil
}

// steps is how many messages a cell has.
func (c *Config) steps() int { return int(c.Rate * c.For.Seconds()) }

// addr is where the hub listens.
func (c *Config) addr() string {
	host, port := c.Target.Hostname(), c.Target.Port()
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if port == "" {
		port = "443"
	}
	return net.JoinHostPort(host, port)
}

// loopback reports whether there are many source addresses to dial from.
func (c *Config) loopback() bool {
	ap, err := netip.ParseAddrPort(c.addr())
	return err == nil && ap.Addr().Is4() && ap.Addr().IsLoopback()
}
