package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"everything.local/event"
)

// TokenSource returns the token to call with, or "" for none. It is asked anew
// for every connection, so that a watch outlives a token.
type TokenSource func(context.Context) (string, error)

// StaticToken is the source of a token that does not change.
func StaticToken(token string) TokenSource {
	return func(context.Context) (string, error) { return token, nil }
}

// Config says which hub to speak to, and how. Only URL is required.
type Config struct {
	// URL is the hub's address, like https://pi-1.local:8443.
	URL string
	// Token vouches for the caller. Without one only what is public can be
	// seen, unless SignIn makes the caller a guest.
	Token TokenSource
	// RootCAs are the authorities to trust; nil for those of the system. A hub
	// with an authority of its own serves it at /ca.pem.
	RootCAs *x509.CertPool
	// ServerName is whom the certificate must be for, where that is not the
	// host of URL.
	ServerName string
	// Wire carries the feeds; Auto takes the best that works.
	Wire Wire
	// Protocol is the version of HTTP to insist on; AnyHTTP suits every wire.
	Protocol Protocol
}

// Client speaks to one hub. Its methods may be called by any number of
// goroutines. Close it when done.
type Client struct {
	config Config
	base   string
	tls    *tls.Config
	jar    http.CookieJar
	udp    *socket
	// commands is for everything but feeds, each of which has a connection of
	// its own: a line that has gone silent is then never used again.
	commands connections
	wires    map[Wire]way
	// proven is the Wire that Auto took last.
	proven atomic.Value
}

// New returns a Client. It connects to nothing yet. Errors are *event.Error
// with code Invalid and the Field of Config at fault.
func New(c Config) (*Client, error) {
	base, err := address(c.URL)
	if err != nil {
		return nil, err
	}
	if err := check(c.Wire, c.Protocol); err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	cl := &Client{
		config: c, base: base, jar: jar, udp: &socket{}, wires: wires,
		tls: &tls.Config{
			RootCAs: c.RootCAs, ServerName: c.ServerName, MinVersion: tls.VersionTLS13,
			// Coming back after a loss is a round trip shorter.
			ClientSessionCache: tls.NewLRUClientSessionCache(8),
		},
	}
	cl.commands = cl.connect(c.Protocol)
	return cl, nil
}

// address returns a hub's address in its one spelling.
func address(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return "", event.Errorf(event.Invalid, "%s is no hub's address; give one like https://localhost:8443", event.Quote(s)).At("URL")
	}
	return "https://" + u.Host, nil
}

// check refuses a wire that there is none of, or not over the protocol.
func check(w Wire, p Protocol) error {
	if p != AnyHTTP && !slices.Contains([]Protocol{HTTP1, HTTP2, HTTP3}, p) {
		return event.Errorf(event.Invalid, "there is no HTTP %s; choose 1.1, 2 or 3", event.Quote(string(p))).At("Protocol")
	}
	if w == Auto {
		return nil
	}
	way, ok := wires[w]
	if !ok {
		return event.Errorf(event.Invalid, "there is no wire %s; choose wt, ws, sse or ndjson", event.Quote(string(w))).At("Wire")
	}
	if p != AnyHTTP && !slices.Contains(way.over, p) {
		return event.Errorf(event.Invalid, "%s does not run over HTTP/%s; leave one of them to the client", w, p).At("Protocol")
	}
	return nil
}

// Close gives back what the client holds. Streams must be closed before.
func (c *Client) Close() error {
	c.commands.Close()
	return c.udp.close()
}

// token asks the source, if there is one.
func (c *Client) token(ctx context.Context) (string, error) {
	if c.config.Token == nil {
		return "", nil
	}
	token, err := c.config.Token(ctx)
	if err != nil {
		return "", &tokenError{err}
	}
	return strings.TrimSpace(token), nil
}

// tokenError is a TokenSource's: no other try would help.
type tokenError struct{ err error }

func (e *tokenError) Error() string { return "no token: " + e.err.Error() }
func (e *tokenError) Unwrap() error { return e.err }
