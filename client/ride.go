package client

import (
	"net/http"
	"slices"
	"time"
)

// ride is a feed's connection that commands go along with.
type ride struct {
	base string
	over http.RoundTripper
	// stir has the connection ask whether its path still leads to the hub.
	stir func()
}

// mount lets commands go along with a feed's connection, the one that came last.
func (c *Client) mount(r ride) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.config.Protocol == AnyHTTP || c.config.Protocol == HTTP3 {
		c.rides = append(c.rides, r)
	}
}

// dismount takes a connection from the commands again, if they go along with it.
func (c *Client) dismount(over http.RoundTripper) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rides = slices.DeleteFunc(c.rides, func(r ride) bool { return r.over == over })
}

// route is where to send a request, over what, and how long that may take. With
// a base it goes there, on its own.
func (c *Client) route(base string) (string, http.RoundTripper, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch n := len(c.rides); {
	case base != "":
		return base, c.commands, tryWithin
	case n > 0:
		c.rides[n-1].stir() // the command is a sign of life, and wants an answer
		return c.rides[n-1].base, c.rides[n-1].over, rideWithin
	default:
		return c.hubs[c.home], c.commands, tryWithin
	}
}
