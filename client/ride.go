package client

import "net/http"

// ride is a feed's connection that commands go along with.
type ride struct {
	base string
	over http.RoundTripper
}

// ride lets commands go along with a feed's connection, the newest one. The
// function takes it from them again.
func (c *Client) ride(base string, over http.RoundTripper) (dismount func()) {
	r := &ride{base, over}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.config.Protocol == AnyHTTP || c.config.Protocol == HTTP3 {
		c.ridden = r
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.ridden == r {
			c.ridden = nil
		}
	}
}

// route is where to send a request, and over what.
func (c *Client) route() (base string, over http.RoundTripper) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ridden != nil {
		return c.ridden.base, c.ridden.over
	}
	return c.hubs[c.home], c.commands
}
