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

// most is how many connections an address may have in these tests, and open at
// once.
const most = 8

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

// TestTooManyConnections: an address that opens connections one after the other
// is told so, by a status or by a handshake that is refused, and those beside it
// are served.
func TestTooManyConnections(t *testing.T) {
	s := besiege(t, false, setup{server: transport.ServerConfig{MaxConnsPerAddress: most}})
	s.during(1, func(context.Context, int) (func(), error) {
		for range 100 {
			c := s.from(stranger(0), false)
			status, retryAfter, err := s.ask(c)
			c.CloseIdleConnections()
			if err != nil {
				return nil, err
			}
			if status == http.StatusTooManyRequests && retryAfter != "" {
				return nil, nil
			}
		}
		return nil, errors.New("100 connections were served")
	})
	s.during(1, func(ctx context.Context, _ int) (func(), error) { return nil, s.handshakeOften(ctx) })
	if n := s.server.Stats().Refused[transport.TooFast]; n < 2 {
		t.Errorf("%d connections are counted as refused", n)
	}
}

// handshakeOften makes QUIC handshakes from one address until one is refused.
// Those that need no proof of the address are let through.
func (s *siege) handshakeOften(ctx context.Context) error {
	to, err := net.ResolveUDPAddr("udp", s.server.Addr().String())
	if err != nil {
		return err
	}
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: stranger(1)})
	if err != nil {
		return err
	}
	t := &quic.Transport{Conn: c}
	defer func() { _ = errors.Join(t.Close(), c.Close()) }()
	for range 500 {
		conn, err := t.Dial(ctx, to, &tls.Config{RootCAs: s.target.Roots, ServerName: "localhost", NextProtos: []string{http3.NextProtoH3}}, nil)
		if refused, ok := errors.AsType[*quic.TransportError](err); ok && refused.ErrorCode == quic.ConnectionRefused {
			return nil
		}
		if err == nil {
			err = conn.CloseWithError(0, "")
		}
		if err != nil {
			return err
		}
	}
	return errors.New("500 handshakes were served")
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
