package transporttest

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"everything.local/transport"
)

// from returns an HTTP client that calls from an address, on HTTP/1.1 or 2.
func (s *siege) from(ip net.IP, http2 bool) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetHTTP2(http2)
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: ip}}
	to := s.server.Addr().String()
	tr := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: s.target.Roots}, Protocols: protocols,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) { return d.DialContext(ctx, network, to) },
	}
	s.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// ask sends a request that is answered at once, and returns the status.
func (s *siege) ask(c *http.Client) (status int, retryAfter string, err error) {
	resp, err := c.Get(s.target.URL + "/nothing")
	if err != nil {
		return 0, "", err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header.Get("Retry-After"), errors.Join(err, resp.Body.Close())
}

// knock opens and closes connections from ip until ctx ends, as fast as it can,
// which is faster than an address may.
func (s *siege) knock(ctx context.Context, ip net.IP) error {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: ip}}
	for {
		c, err := d.DialContext(ctx, "tcp", s.server.Addr().String())
		if err == nil {
			err = c.Close()
		}
		if err != nil || ctx.Err() != nil {
			if ctx.Err() != nil {
				err = nil // it is over
			}
			return err
		}
	}
}

// TestTooManyConnections: an address that opens connections one after the other
// is told so, by a status or by a handshake that is refused, and those beside it
// are served.
func TestTooManyConnections(t *testing.T) {
	flights := firstFlights(t, 100)
	s := besiege(t, false, setup{server: transport.ServerConfig{MaxConnsPerAddress: 64}})
	s.handshakes = true
	ctx, stop := context.WithTimeout(t.Context(), settledWithin)
	defer stop()
	knocking, enough := context.WithCancel(ctx)
	s.during(2, func(_ context.Context, attacker int) (func(), error) {
		if attacker == 0 {
			return nil, s.knock(knocking, stranger(0))
		}
		defer enough()
		return nil, errors.Join(s.untilTold(ctx), s.untilRefused(ctx, flights))
	})
	if n := s.server.Stats().Refused[transport.TooFast]; n < 2 {
		t.Errorf("%d connections are counted as refused", n)
	}
}

// untilTold sends requests on connections of their own until one is answered
// 429.
func (s *siege) untilTold(ctx context.Context) error {
	for ctx.Err() == nil {
		c := s.from(stranger(0), false)
		status, retryAfter, err := s.ask(c)
		c.CloseIdleConnections()
		if err == nil && status == http.StatusTooManyRequests && retryAfter != "" {
			return nil
		}
		// Or the hub hung up: it tells some only.
	}
	return errors.New("nobody was told to slow down")
}

// untilRefused makes QUIC handshakes until one is refused. Others that lead
// nowhere see to it that the address must be proven, for only then it counts.
func (s *siege) untilRefused(ctx context.Context, flights [][][]byte) error {
	to, err := net.ResolveUDPAddr("udp", s.server.Addr().String())
	if err != nil {
		return err
	}
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: stranger(0)})
	if err != nil {
		return err
	}
	t := &quic.Transport{Conn: c}
	defer func() { _ = errors.Join(t.Close(), c.Close()) }()
	for ctx.Err() == nil {
		for i, flight := range flights {
			if err := replay(flight, stranger(1+i), to); err != nil {
				return err
			}
		}
		conn, err := t.Dial(ctx, to, &tls.Config{RootCAs: s.target.Roots, ServerName: "localhost", NextProtos: []string{http3.NextProtoH3}}, nil)
		if refused, ok := errors.AsType[*quic.TransportError](err); ok && refused.ErrorCode == quic.ConnectionRefused {
			return nil
		}
		if err == nil { // it came without proof
			_ = conn.CloseWithError(0, "")
		}
	}
	return errors.New("no handshake was refused")
}

// TestTooManyRequests: an address that sends requests as fast as it can is told
// so, and others are served.
func TestTooManyRequests(t *testing.T) {
	s := besiege(t, false, setup{})
	var told, asked atomic.Int64
	s.during(1, func(context.Context, int) (func(), error) {
		c := s.from(stranger(0), true)
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for told.Load() == 0 && asked.Add(1) < 50_000 {
					if status, retryAfter, err := s.ask(c); err == nil && status == http.StatusTooManyRequests && retryAfter != "" {
						told.Add(1)
					}
				}
			})
		}
		wg.Wait()
		return c.CloseIdleConnections, nil
	})
	if told.Load() == 0 || s.server.Stats().RefusedRequests[transport.TooFast] == 0 {
		t.Errorf("nobody was told to slow down after %d requests", asked.Load())
	}
	if n := asked.Load(); n < 5000 {
		t.Errorf("a café's %d requests were too many", n)
	}
}
