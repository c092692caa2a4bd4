package main

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"everything.local/event"
	"everything.local/loadtest/relay"
	"everything.local/loadtest/relay/relaytest"
)

const (
	// calm is how long after a ping nothing is on its way any more.
	calm = 300 * time.Millisecond
	// silence is after what an attentive feed counts as lost.
	silence = 2500 * time.Millisecond
)

// TestRequestRepairsPath holds what docs/clients.md says of clients that cannot
// send datagrams: a feed over HTTP/3 whose NAT has given it another address is
// silent for as long as the client only listens, and goes on, on the same
// connection, with a request that goes beside it.
func TestRequestRepairsPath(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	n := newNAT(t, strings.TrimPrefix(p.url, "https://"))
	var dials atomic.Int32
	p.client = p.behind(n, &dials)
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	pings := p.pings(ctx)
	<-pings
	<-time.After(calm)
	n.Rebind()
	select {
	case <-pings:
		t.Error("the feed goes on before anything is sent")
	case <-time.After(silence):
	}
	began := time.Now()
	if status, _, err := p.call(ctx, "", http.MethodHead, "/healthz", ""); status != http.StatusOK || err != nil {
		t.Errorf("the request: %d, %v", status, err)
	}
	select {
	case <-pings:
		t.Logf("the feed goes on after %v", time.Since(began))
	case <-ctx.Done():
		t.Error("the feed does not go on")
	}
	if n := dials.Load(); n != 1 {
		t.Errorf("there were %d connections", n)
	}
}

// behind returns a client on HTTP/3 whose packets go through n, and that sends
// none of its own accord. It counts its connections.
func (p *process) behind(n *relay.Relay, dials *atomic.Int32) *http.Client {
	tr := &http3.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool(p.t, tlsDir(p.data)+"/ca.pem")},
		QUICConfig:      &quic.Config{DisablePathMTUDiscovery: true},
		Dial: func(ctx context.Context, _ string, t *tls.Config, q *quic.Config) (*quic.Conn, error) {
			dials.Add(1)
			return quic.DialAddr(ctx, n.Addr().String(), t, q)
		},
	}
	p.t.Cleanup(func() { _ = tr.Close() })
	return &http.Client{Transport: tr}
}

// pings follows a feed at the attentive pace until ctx ends.
func (p *process) pings(ctx context.Context) <-chan struct{} {
	pings := make(chan struct{})
	ended := make(chan struct{})
	p.t.Cleanup(func() { <-ended })
	go func() {
		defer close(ended)
		_ = p.feed(ctx, "", "topics=board&pace=attentive", func(f event.Frame) bool {
			if !f.Ping {
				return false
			}
			select {
			case pings <- struct{}{}:
				return false
			case <-ctx.Done():
				return true
			}
		})
	}()
	return pings
}

// newNAT is a relay to a hub that gives its clients another address when told to.
func newNAT(t *testing.T, hub string) *relay.Relay {
	t.Helper()
	to, err := net.ResolveUDPAddr("udp4", hub)
	if err != nil {
		t.Fatal(err)
	}
	return relaytest.Run(t, relay.Config{To: to.AddrPort()})
}
