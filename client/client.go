package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/quic-go/quic-go"

	"everything.local/event"
)

// TokenSource returns the token to call with, or "" for none. It is asked anew
// for every connection, so that a watch outlives a token.
type TokenSource func(context.Context) (string, error)

// StaticToken is the source of a token that does not change.
func StaticToken(token string) TokenSource {
	return func(context.Context) (string, error) { return token, nil }
}

// Config says which hubs to speak to, and how. Only Hubs is required.
type Config struct {
	// Hubs are the addresses of a site's hubs, like https://pi-1.local:8443, the
	// one to begin with first. Where one is lost the next is tried.
	Hubs []string
	// Token vouches for the caller. Without one only what is public can be
	// seen, unless SignIn makes the caller a guest.
	Token TokenSource
	// RootCAs are the authorities to trust; nil for those of the system. A hub
	// with an authority of its own serves it at /ca.pem.
	RootCAs *x509.CertPool
	// ServerName is whom the certificate must be for, where that is not the
	// host of its address.
	ServerName string
	// Wire carries the feeds; Auto takes the best that works.
	Wire Wire
	// Protocol is the version of HTTP to insist on; AnyHTTP suits every wire.
	Protocol Protocol
	// Network is how the machine's networks are seen and used; nil for System.
	Network Network
}

// Client speaks to the hubs of a site. Its methods may be called by any number of
// goroutines. Close it when done.
type Client struct {
	config Config
	hubs   []string
	tls    *tls.Config
	jar    http.CookieJar
	// tokens spare a hub that knows this client the proof of its address.
	tokens quic.TokenStore
	wires  map[Wire]opener
	proven proven

	mu sync.Mutex
	// home is the hub that answered last, by its place in hubs.
	home int
	// commands is for everything but feeds, each of which has a connection of
	// its own: a line that has gone silent is then never used again.
	commands connections
	// rides are QUIC connections of feeds, which commands go along with: they
	// find their way when the network changes.
	rides []ride
}

// New returns a Client. It connects to nothing yet. Errors are *event.Error
// with code Invalid and the Field of Config at fault.
func New(c Config) (*Client, error) {
	hubs, err := addresses(c.Hubs)
	if err != nil {
		return nil, err
	}
	if c.Network == nil {
		c.Network = System()
	}
	if err := check(c.Wire, c.Protocol); err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	cl := &Client{
		config: c, hubs: hubs, jar: jar, wires: wires,
		tokens: quic.NewLRUTokenStore(maxRemembered, tokensEach),
		tls: &tls.Config{
			RootCAs: c.RootCAs, ServerName: c.ServerName, MinVersion: tls.VersionTLS13,
			// Coming back after a loss is a round trip shorter.
			ClientSessionCache: tls.NewLRUClientSessionCache(maxRemembered),
		},
	}
	cl.commands = cl.connect(c.Protocol, Path{})
	return cl, nil
}

const (
	// maxRemembered is of how many hubs something is remembered; a site has three.
	maxRemembered = 8
	// tokensEach is how many of a hub's tokens are kept; each is good for one
	// connection.
	tokensEach = 4
)

// Dial is New, and returns once one of the hubs has answered. It tries them for
// some 15 s, or until ctx ends. The error is then the last one's; of a hub that
// is not trusted at once, see Untrusted.
func Dial(ctx context.Context, c Config) (*Client, error) {
	cl, err := New(c)
	if err != nil {
		return nil, err
	}
	if _, err := cl.Hub(ctx); err != nil {
		return nil, errors.Join(err, cl.Close())
	}
	return cl, nil
}

// addresses returns those of hubs in their one spelling, each once.
func addresses(hubs []string) ([]string, error) {
	var found []string
	for i, h := range hubs {
		base, err := address(h)
		if err != nil {
			return nil, err.At(fmt.Sprintf("Hubs[%d]", i))
		}
		if !slices.Contains(found, base) {
			found = append(found, base)
		}
	}
	if len(found) == 0 {
		return nil, event.Errorf(event.Invalid, "there is no hub to speak to; give its address, like https://localhost:8443").At("Hubs")
	}
	return found, nil
}

// address returns a hub's address in its one spelling.
func address(s string) (string, *event.Error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return "", event.Errorf(event.Invalid, "%s is no hub's address; give one like https://localhost:8443", event.Quote(s))
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
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commands.Close()
	return nil
}

// at is the hub to speak to.
func (c *Client) at() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hubs[c.home]
}

// lost makes the next hub the one to speak to, where base was it.
func (c *Client) lost(base string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hubs[c.home] == base {
		c.home = (c.home + 1) % len(c.hubs)
	}
}

// found makes a hub of the list the one to speak to.
func (c *Client) found(base string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.hubs, base); i >= 0 {
		c.home = i
	}
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
