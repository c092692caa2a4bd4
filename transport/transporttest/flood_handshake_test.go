package transporttest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
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

// firstFlights are those of n clients.
func firstFlights(t *testing.T, n int) [][][]byte {
	t.Helper()
	flights := make([][][]byte, n)
	const workers = 4
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for i := worker; i < n; i += workers {
				var err error
				if flights[i], err = firstFlight(t.Context()); err != nil {
					t.Errorf("the first flight of client %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	return flights
}

// stranger is an address of this machine's that callers have from elsewhere: the
// hub's rates hold for it.
func stranger(n int) net.IP { return net.IPv4(127, 66, byte(n/250), byte(n%250+1)) }

// TestFloodOfHandshakes: handshakes that never get on, in the names of as many
// addresses, cost the hub nothing but for the first ones, which end soon.
func TestFloodOfHandshakes(t *testing.T) {
	const n, attackers = 3000, 3
	flights := firstFlights(t, n)
	s := besiege(t, false, setup{})
	s.handshakes = true
	to, err := net.ResolveUDPAddr("udp", s.server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	s.during(attackers, func(_ context.Context, attacker int) (func(), error) {
		for i := attacker; i < n; i += attackers {
			if err := replay(flights[i], stranger(i), to); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	// What is let through without proof: some at once, some each second.
	halfOpen := 64 + 20*(int(time.Since(start).Seconds())+1)
	stats := s.server.Stats()
	if stats.Open > halfOpen || stats.Retried == 0 {
		t.Errorf("%d connections are open, %d had to prove their address", stats.Open, stats.Retried)
	}
	t.Logf("%d connections open, %d asked to prove their address", stats.Open, stats.Retried)
	s.withstood(5*halfOpen+100, 32<<20)
	runtime.KeepAlive(flights) // they are in both measures
}

// replay sends a flight from an address.
func replay(flight [][]byte, from net.IP, to net.Addr) error {
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: from})
	if err != nil {
		return err
	}
	for _, p := range flight {
		if _, err := c.WriteTo(p, to); err != nil {
			return errors.Join(err, c.Close())
		}
	}
	return c.Close()
}
