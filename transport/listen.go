package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"syscall"

	"everything.local/event"
)

// Sockets are what a server listens on.
type Sockets struct {
	// Main is for HTTP/1.1 and HTTP/2 over TLS, QUIC for HTTP/3, Board for the
	// plain board. The last two are nil where they are not served.
	Main, Board net.Listener
	QUIC        net.PacketConn
}

// Listen opens the sockets, so that the addresses are known before anything is
// served. On an error none is open.
func (s *Server) Listen(ctx context.Context) error {
	var on Sockets
	err := s.open(ctx, &on)
	if err == nil {
		err = s.ListenOn(on)
	}
	if err == nil {
		return nil
	}
	if on.Main != nil {
		err = errors.Join(err, on.Main.Close())
	}
	if on.Board != nil {
		err = errors.Join(err, on.Board.Close())
	}
	return err
}

func (s *Server) open(ctx context.Context, on *Sockets) (err error) {
	if s.board != nil {
		if on.Board, err = listenTCP(ctx, s.cfg.PlainBoardAddr); err != nil {
			return err
		}
	}
	if s.quic == nil {
		on.Main, err = listenTCP(ctx, s.cfg.Addr)
		return err
	}
	on.Main, on.QUIC, err = listenBoth(ctx, s.cfg.Addr)
	return err
}

// pairTries is how often a free port is looked for that is free on UDP as well.
const pairTries = 16

// listenBoth opens TCP and UDP sockets on one port number. If that is any free
// one, the first that TCP gets may be taken on UDP.
func listenBoth(ctx context.Context, addr string) (net.Listener, net.PacketConn, error) {
	for try := 1; ; try++ {
		ln, err := listenTCP(ctx, addr)
		if err != nil {
			return nil, nil, err
		}
		udp, err := listenUDP(ctx, addr, ln.Addr())
		if err == nil {
			return ln, udp, nil
		}
		_ = ln.Close() // nobody was let in
		if _, port, _ := net.SplitHostPort(addr); port != "0" || try == pairTries || !errors.Is(err, syscall.EADDRINUSE) {
			return nil, nil, err
		}
	}
}

func listenTCP(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("transport: listen on %s: %w", addr, err)
	}
	return ln, nil
}

// listenUDP opens a UDP socket on the host of addr and the port that TCP got.
func listenUDP(ctx context.Context, addr string, tcp net.Addr) (net.PacketConn, error) {
	host, _, _ := net.SplitHostPort(addr) // TCP has listened there
	_, port, _ := net.SplitHostPort(tcp.String())
	addr = net.JoinHostPort(host, port)
	var lc net.ListenConfig
	c, err := lc.ListenPacket(ctx, "udp", addr)
	if err != nil {
		return nil, fmt.Errorf("transport: listen on %s, UDP: %w", addr, err)
	}
	return c, nil
}

// ListenOn takes sockets that are open already, as a service manager hands them
// over, in place of Listen. Run closes them; if ListenOn returns an error, QUIC
// is closed and the others are the caller's still.
func (s *Server) ListenOn(on Sockets) error {
	if err := s.carry(on.Main); err != nil {
		return err
	}
	s.mainListener = s.limited(on.Main)
	if s.board != nil {
		s.boardListener = s.limited(on.Board)
	}
	if s.quic != nil {
		return s.quic.listen(on.QUIC)
	}
	return nil
}

func (s *Server) limited(ln net.Listener) net.Listener {
	return &listener{ln, s.limits, s.cfg.StallTimeout, s.carrier, s.trim}
}

// advertise tells clients on TCP that the same is served over QUIC.
func (s *Server) advertise(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, port, err := net.SplitHostPort(s.quic.socket.LocalAddr().String())
		if err == nil && s.cfg.AdvertiseQUIC(r.TLS.ServerName) {
			w.Header().Set("Alt-Svc", `h3=":`+port+`"; ma=`+strconv.Itoa(altSvcAge))
		}
		next.ServeHTTP(w, r)
	})
}

// altSvcAge is how many seconds a browser may remember that there is HTTP/3: a
// day, so that a hub that loses it is not tried for long.
const altSvcAge = 24 * 60 * 60

// refuseWhenClosing answers requests on QUIC connections that would be cut
// before their answer: there is no more time for new ones.
func (s *Server) refuseWhenClosing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.quic.refusing.Load() {
			next.ServeHTTP(w, r)
			return
		}
		setRetryAfter(w.Header(), retryAfter)
		s.cfg.WriteError(w, r, event.Errorf(event.ShuttingDown, "this hub is about to stop; send it to another one, or here again in a moment"))
	})
}
