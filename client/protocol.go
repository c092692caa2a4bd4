package client

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"

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
}

// connect returns connections of one protocol. It opens none yet.
func (c *Client) connect(p Protocol) connections {
	if p == HTTP3 {
		return quicConnections{&http3.Transport{
			TLSClientConfig: c.quicTLS(c.base), QUICConfig: quicConfig(), Dial: c.udp.dial,
			MaxResponseHeaderBytes: maxHead, DisableCompression: true,
		}}
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(p != HTTP2)
	protocols.SetHTTP2(p != HTTP1)
	t := &tcpConnections{open: map[net.Conn]struct{}{}}
	t.Transport = &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: t.dial, TLSClientConfig: c.tls.Clone(), Protocols: protocols,
		TLSHandshakeTimeout: connectWithin, MaxResponseHeaderBytes: maxHead, IdleConnTimeout: keepIdle,
		// Frames are small and must not wait for a compressor's block.
		DisableCompression: true,
	}
	return t
}

type quicConnections struct{ *http3.Transport }

// Close implements connections.
func (q quicConnections) Close() { _ = q.Transport.Close() } // what it cannot close has gone

// web returns an HTTP client with the caller's cookies. It follows no redirect:
// a hub sends none, and a token goes nowhere else.
func (c *Client) web(over http.RoundTripper) *http.Client {
	return &http.Client{Transport: over, Jar: c.jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// quicTLS is the TLS configuration of QUIC connections to base. Sessions are
// not resumed, for what early data saves is not worth a rejection of it.
func (c *Client) quicTLS(base string) *tls.Config {
	t := c.tls.Clone()
	t.ClientSessionCache = nil
	t.NextProtos = []string{http3.NextProtoH3}
	if t.ServerName == "" {
		t.ServerName = hostOf(base)
	}
	return t
}
