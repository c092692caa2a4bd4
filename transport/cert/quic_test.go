package cert

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// startQUIC serves c on HTTP/3 as package transport does, until stop or the
// test's end.
func startQUIC(t *testing.T, c *tls.Config, secrets *Secrets, addr string) (at string, stop func()) {
	t.Helper()
	udp, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	tr := &quic.Transport{
		Conn:              udp,
		StatelessResetKey: (*quic.StatelessResetKey)(&secrets.StatelessReset),
		TokenGeneratorKey: (*quic.TokenGeneratorKey)(&secrets.Token),
	}
	l, err := tr.ListenEarly(http3.ConfigureTLSConfig(c), &quic.Config{Allow0RTT: true})
	if err != nil {
		t.Fatal(err)
	}
	server := &http3.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.ServeListener(l); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, quic.ErrServerClosed) {
			t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() {
		_ = server.Close()
		_ = l.Close()
		_ = tr.Close()
		_ = udp.Close()
		wg.Wait()
	})
	t.Cleanup(stop)
	return udp.LocalAddr().String(), stop
}

// getQUIC asks on a new connection, in early data if the client can, keeps the
// connection until a ticket has come, and returns what is known of it.
func getQUIC(t *testing.T, c *tls.Config, addr string, ticket <-chan struct{}) quic.ConnectionState {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var conn *quic.Conn
	tr := &http3.Transport{TLSClientConfig: c, Dial: func(ctx context.Context, addr string, tc *tls.Config, qc *quic.Config) (*quic.Conn, error) {
		var err error
		conn, err = quic.DialAddrEarly(ctx, addr, tc, qc)
		return conn, err
	}}
	defer tr.Close()
	r, err := http.NewRequestWithContext(ctx, http3.MethodGet0RTT, "https://"+addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := tr.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if ticket != nil {
		select {
		case <-ticket:
		case <-ctx.Done():
			t.Fatal("no ticket came")
		}
	}
	return conn.ConnectionState()
}

// TestLeafForAnAddress connects to two addresses of one socket, of which the
// current leaf has only the first: a client that trusts the authority gets on
// by both, though it sends no name.
func TestLeafForAnAddress(t *testing.T) {
	m := &machine{hosts: []string{"127.0.0.1"}}
	dir := filepath.Join(t.TempDir(), "tls")
	mustOpenOn(t, m, dir)
	m.become(nil, "127.0.0.2")
	s, _ := mustOpenOn(t, m, dir)
	if len(s.Hashes()) != 3 {
		t.Fatal("there is no leaf for the new address")
	}
	addr, _ := startQUIC(t, s.QUICTLSConfig(), mustOpenSecrets(t, dir), "0.0.0.0:0")
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	for i, host := range []string{"127.0.0.1", "127.0.0.2"} {
		state := getQUIC(t, trusting(t, s, host), net.JoinHostPort(host, port), nil)
		if got, want := state.TLS.PeerCertificates[0].Raw, (*s.line.Load())[2*i].Certificate[0]; !bytes.Equal(got, want) {
			t.Errorf("%s is shown another leaf", host)
		}
	}
}
