//go:build !race

package cert

import (
	"crypto/tls"
	"path/filepath"
	"testing"
)

// This file is left out with the race detector, which finds one in the client's
// part of quic-go: a stream that is opened in early data reads the transport
// parameters that the handshake writes. make test runs it without.

// ticketCache says when a ticket has come.
type ticketCache struct {
	tls.ClientSessionCache
	came chan struct{}
}

func (c ticketCache) Put(key string, s *tls.ClientSessionState) {
	c.ClientSessionCache.Put(key, s)
	if s != nil {
		select {
		case c.came <- struct{}{}:
		default:
		}
	}
}

// TestEarlyDataAfterARestart stops a hub and starts it anew on the same port:
// a client of before is answered in its first round trip.
func TestEarlyDataAfterARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	start := func(addr string) (*Source, string, func()) {
		secrets := mustOpenSecrets(t, dir)
		s := mustOpen(t, Config{Dir: dir, Secrets: secrets})
		at, stop := startQUIC(t, s.TLSConfig(false), secrets, addr)
		return s, at, stop
	}
	s, addr, stop := start("127.0.0.1:0")
	client := trusting(t, s, "127.0.0.1")
	cache := ticketCache{tls.NewLRUClientSessionCache(1), make(chan struct{}, 1)}
	client.ClientSessionCache = cache
	if state := getQUIC(t, client, addr, cache.came); state.TLS.DidResume {
		t.Fatal("resumed what had not been")
	}
	stop()
	_, addr, _ = start(addr)
	state := getQUIC(t, client, addr, nil)
	if !state.TLS.DidResume || !state.Used0RTT {
		t.Errorf("after a restart: resumed %v, early data %v", state.TLS.DidResume, state.Used0RTT)
	}
}
