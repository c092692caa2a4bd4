package transporttest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"everything.local/transport"
)

// recorder is a network for a client that nobody answers: it keeps the first
// flight, and says when it is there.
type recorder struct {
	mu     sync.Mutex
	flight [][]byte
	full   context.CancelFunc
	closed chan struct{}
	once   sync.Once
}

// flightPackets: a ClientHello with a key of ML-KEM takes two datagrams.
const flightPackets = 2

// WriteTo implements net.PacketConn.
func (r *recorder) WriteTo(b []byte, _ net.Addr) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	const leastInitial = 1200 // RFC 9000, section 14.1
	if len(b) >= leastInitial && len(r.flight) < flightPackets {
		r.flight = append(r.flight, append([]byte(nil), b...))
	}
	if len(r.flight) == flightPackets {
		r.full()
	}
	return len(b), nil
}

// ReadFrom implements net.PacketConn: nothing ever comes.
func (r *recorder) ReadFrom([]byte) (int, net.Addr, error) {
	<-r.closed
	return 0, nil, net.ErrClosed
}

// Close implements net.PacketConn.
func (r *recorder) Close() error { r.once.Do(func() { close(r.closed) }); return nil }

// LocalAddr implements net.PacketConn.
func (*recorder) LocalAddr() net.Addr { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// SetReadDeadline implements net.PacketConn: one that is set ends all reading.
func (r *recorder) SetReadDeadline(t time.Time) error {
	if !t.IsZero() && time.Until(t) <= 0 {
		return r.Close()
	}
	return nil
}

// SetWriteDeadline implements net.PacketConn.
func (*recorder) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline implements net.PacketConn.
func (r *recorder) SetDeadline(t time.Time) error { return r.SetReadDeadline(t) }

// firstFlight is what a client begins a handshake with.
func firstFlight(ctx context.Context) ([][]byte, error) {
	ctx, full := context.WithCancel(ctx)
	defer full()
	r := &recorder{full: full, closed: make(chan struct{})}
	t := &quic.Transport{Conn: r}
	_, err := t.Dial(ctx, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2}, &tls.Config{ServerName: "localhost", NextProtos: []string{"h3"}}, nil)
	if !errors.Is(err, context.Canceled) {
		return nil, fmt.Errorf("dial: %w", err)
	}
	return r.flight, errors.Join(t.Close(), r.Close())
}

// strangers are the addresses that attackers call from, where rates hold.
func stranger(n int) net.IP { return net.IPv4(127, 66, byte(n/250), byte(n%250+1)) }

// TestFloodOfHandshakes: handshakes that never get on, from addresses of
// others, cost little, and whoever has an address gets through: all but the one
// that connects too often.
func TestFloodOfHandshakes(t *testing.T) {
	const flights, sources, most = 1000, 3, 8
	s := besiege(t, false, setup{server: transport.ServerConfig{MaxConnsPerAddress: most}})
	s.handshakes = true
	to, err := net.ResolveUDPAddr("udp", s.server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	start := time.Now()
	s.during(4, func(_ context.Context, n int) (func(), error) {
		if n == 3 {
			return nil, s.connectTooOften(ctx, to)
		}
		return nil, replay(t.Context(), to, flights, n*flights)
	})
	const free, perSecond = 64, 20
	halfOpen := free + perSecond*(int(time.Since(start).Seconds())+1)
	if got := s.server.Stats().Retried; got < sources*flights-uint64(halfOpen) {
		t.Errorf("%d of %d handshakes had to prove their address", got, sources*flights)
	}
	if s.refusedFor(transport.TooFast) == 0 {
		t.Error("no handshake was refused for its address's rate")
	}
	s.withstood(5*halfOpen+100, 32<<20)
}

// replay sends n first flights, each from another address.
func replay(ctx context.Context, to net.Addr, n, from int) error {
	for i := range n {
		flight, err := firstFlight(ctx)
		if err != nil {
			return err
		}
		c, err := net.ListenUDP("udp", &net.UDPAddr{IP: stranger(from + i)})
		if err != nil {
			return err
		}
		for _, p := range flight {
			if _, err := c.WriteTo(p, to); err != nil {
				return err
			}
		}
		if err := c.Close(); err != nil {
			return err
		}
	}
	return nil
}

// connectTooOften connects from one address until it is refused.
func (s *siege) connectTooOften(ctx context.Context, to net.Addr) error {
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 66, 99, 99)})
	if err != nil {
		return err
	}
	t := &quic.Transport{Conn: c}
	defer func() { _ = errors.Join(t.Close(), c.Close()) }()
	for {
		conn, err := t.Dial(ctx, to, &tls.Config{RootCAs: s.target.Roots, ServerName: "localhost", NextProtos: []string{"h3"}}, nil)
		refused, ok := errors.AsType[*quic.TransportError](err)
		if ok && refused.ErrorCode == quic.ConnectionRefused {
			return nil
		}
		if err != nil {
			return err
		}
		if err := conn.CloseWithError(0, ""); err != nil {
			return err
		}
	}
}
