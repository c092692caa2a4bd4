package feed

import (
	"crypto/tls"
	"net/netip"

	"github.com/quic-go/quic-go"
)

// Memory is what phones and browsers keep of a hub: the ticket of the last TLS
// session, and the token that proves their address to QUIC (RFC 9000, section
// 8.1.3). Each client has its own.
type Memory struct {
	sessions tls.ClientSessionCache
	tokens   quic.TokenStore
	// from is the address that it comes from; the token is for no other.
	from netip.Addr
}

// NewMemory returns an empty one, for one hub.
func NewMemory() *Memory {
	return &Memory{sessions: tls.NewLRUClientSessionCache(1), tokens: quic.NewLRUTokenStore(1, 1)}
}

// tls returns the configuration of a client with this memory, which may be nil.
func (m *Memory) tls(c *tls.Config, protocol string) *tls.Config {
	c = c.Clone()
	c.NextProtos = []string{protocol}
	if m != nil {
		c.ClientSessionCache = m.sessions
	}
	return c
}

// source is the address to come from: the same as before, or the next. It is
// for one connection at a time.
func (m *Memory) source(s *sources) netip.Addr {
	if m == nil {
		return s.next()
	}
	if !m.from.IsValid() {
		m.from = s.next()
	}
	return m.from
}
