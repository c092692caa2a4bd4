package client

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// Protocol is a version of HTTP.
type Protocol string

// The protocols.
const (
	// AnyHTTP leaves it to client and hub: over TCP the newest that both speak.
	AnyHTTP Protocol = ""
	HTTP1   Protocol = "1.1"
	HTTP2   Protocol = "2"
	HTTP3   Protocol = "3"
)

const (
	// connectWithin bounds a TLS handshake: on a local network it takes
	// milliseconds, on a Pi under load a second.
	connectWithin = 5 * time.Second
	// maxHead bounds the head of an answer; the hub's have a few hundred bytes.
	maxHead = 64 << 10
	// keepIdle is how long an unused connection is kept for the next command.
	keepIdle = 30 * time.Second
)

// connections carries requests over connections of its own, until closed.
type connections interface {
	http.RoundTripper
	Close()
	// carrier is the QUIC connection that was opened last, nil for TCP.
	carrier() *quicCarrier
}

// connect returns connections of one protocol, which if they can are opened on
// the path named first. It opens none yet.
func (c *Client) connect(p Protocol, first Path) connections {
	if p == HTTP3 {
		q := &quicConnections{dialer: dialer{c.config.Network, first}}
		q.Transport = &http3.Transport{
			TLSClientConfig: c.quicTLS(), QUICConfig: c.quicConfig(), Dial: q.dial, EnableDatagrams: true,
			MaxResponseHeaderBytes: maxHead, DisableCompression: true,
		}
		return q
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(p != HTTP2)
	protocols.SetHTTP2(p != HTTP1)
	t := &tcpConnections{network: c.config.Network, open: map[net.Conn]struct{}{}}
	t.Transport = &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: t.dial, TLSClientConfig: c.tls.Clone(), Protocols: protocols,
		TLSHandshakeTimeout: connectWithin, MaxResponseHeaderBytes: maxHead, IdleConnTimeout: keepIdle,
		// Frames are small and must not wait for a compressor's block.
		DisableCompression: true,
	}
	return t
}

// quicConnections are HTTP/3, each with sockets of its own.
type quicConnections struct {
	*http3.Transport

	dialer dialer

	mu     sync.Mutex
	opened []*quicCarrier
	closed bool
}

// dial is the Transport's Dial. It forgets connections that have ended.
func (q *quicConnections) dial(ctx context.Context, address string, t *tls.Config, c *quic.Config) (*quic.Conn, error) {
	carrier, err := q.dialer.dial(ctx, address, t, c)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, errors.Join(net.ErrClosed, carrier.end())
	}
	var open []*quicCarrier
	for _, c := range q.opened {
		if c.conn.Context().Err() != nil {
			_ = c.close() // it has gone already
		} else {
			open = append(open, c)
		}
	}
	q.opened = append(open, carrier)
	return carrier.conn, nil
}

// carrier implements connections.
func (q *quicConnections) carrier() *quicCarrier {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.opened) == 0 {
		return nil
	}
	return q.opened[len(q.opened)-1]
}

// Close implements connections.
func (q *quicConnections) Close() {
	_ = q.Transport.Close() // what it cannot close has gone
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for _, c := range q.opened {
		_ = c.end()
	}
	q.opened = nil
}

// web returns an HTTP client with the caller's cookies. It follows no redirect:
// a hub sends none, and a token goes nowhere else.
func (c *Client) web(over http.RoundTripper) *http.Client {
	return &http.Client{Transport: over, Jar: c.jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// quicTLS is the TLS configuration of QUIC connections. Sessions are resumed,
// which is a signature less for a Pi; nothing is sent in early data, for what
// that saves is not worth a rejection of it.
func (c *Client) quicTLS() *tls.Config {
	t := c.tls.Clone()
	t.NextProtos = []string{http3.NextProtoH3}
	return t
}
