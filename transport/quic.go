package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

// QUICConfig is what a Server needs to serve HTTP/3 (RFC 9114) beside what it
// serves over TCP. All but Extension is required.
type QUICConfig struct {
	// TLS provides certificates, and session tickets for 0-RTT.
	TLS *tls.Config
	// ResetKey makes the tokens of stateless resets (RFC 9000, section 10.3). It
	// is this hub's alone and outlives a restart: by it a client notices the
	// restart with its next packet.
	ResetKey [32]byte
	// TokenKey seals the tokens that spare a known address the Retry (RFC 9000,
	// section 8.1). The hubs of a site share it.
	TokenKey [32]byte
	// Extension serves what is more than HTTP/3, nil for nothing.
	Extension Extension
}

// Bounds of a QUIC connection.
const (
	// quicIdleTimeout: a phone in a lift comes back within it, and who says
	// nothing for two heartbeats of the idle pace is gone.
	quicIdleTimeout = 45 * time.Second
	// quicHandshakeTimeout is for each step of a handshake; one takes twice that
	// at most.
	quicHandshakeTimeout = 5 * time.Second
	// quicStreams is how many requests and WebTransport streams a client may
	// have open on one connection: those of a page that loads, and the feeds of
	// a session. Each may cost some 20 KiB for as long as its head is not whole.
	quicStreams = 32 + 16
	// quicUniStreams: HTTP/3 needs three. The rest are for the WebTransport
	// session that a browser must be allowed to open some in, see transport/wt.
	quicUniStreams = 3 + 16
	// connIDLength in bytes; enough never to collide.
	connIDLength = 8

	// Handshakes from addresses that are not proven yet cost memory for as long
	// as they hang, which anybody can make them do from addresses that are not
	// theirs. A few are free, so that clients connect in one round trip; beyond
	// them each must come again with a token first, which costs nothing.
	handshakesPerSecond = 20
	handshakesAtOnce    = 64
)

// h3NoError is the application error of a connection that ends in order
// (RFC 9114, section 8.1).
const h3NoError = quic.ApplicationErrorCode(http3.ErrCodeNoError)

// quicServer serves HTTP/3 on one UDP socket. There is one socket, because
// several on one port break the migration of connections.
type quicServer struct {
	cfg    QUICConfig
	limits *limiter
	trim   *trimmer
	feed   *Feed // nil without
	log    *slog.Logger
	http   *http3.Server
	retry  *rate.Limiter
	// lines bounds those about moves.
	lines *rate.Limiter
	// peers is nil on a socket that cannot be listened in on.
	peers *peers

	socket    net.PacketConn // set by listen
	transport *quic.Transport
	listener  *quic.EarlyListener

	// refusing says that no new request is to be begun.
	refusing atomic.Bool

	// left receives when a connection has ended.
	left chan struct{}

	mu       sync.Mutex
	conns    map[*quic.Conn]*usage
	retried  uint64
	moves    map[Move]uint64
	renewals uint64
	closing  bool
	serving  sync.WaitGroup
}

func newQUICServer(c ServerConfig, limits *limiter, trim *trimmer, h http.Handler) *quicServer {
	cfg := *c.QUIC
	q := &quicServer{
		cfg: cfg, limits: limits, trim: trim, feed: c.Feed, log: c.Logger,
		left: make(chan struct{}, 1), conns: make(map[*quic.Conn]*usage),
		retry: rate.NewLimiter(handshakesPerSecond, handshakesAtOnce),
		lines: rate.NewLimiter(moveLinesPerSecond, moveLinesAtOnce),
		moves: map[Move]uint64{Rebinding: 0, OtherNetwork: 0},
	}
	q.http = &http3.Server{
		Handler: timed(h), MaxHeaderBytes: maxHeaderBytes, ConnContext: q.withUsage,
	}
	if cfg.Extension != nil {
		cfg.Extension.Attach(q.http)
	}
	return q
}

// listen serves on socket from now on; accept takes the connections. The
// socket is closed with the server.
func (q *quicServer) listen(socket net.PacketConn) error {
	if udp, ok := socket.(*net.UDPConn); ok {
		q.peers = newPeers()
		socket = overheard{tolerant{udp}, q.peers.sent}
	}
	q.socket = socket
	reset, token := quic.StatelessResetKey(q.cfg.ResetKey), quic.TokenGeneratorKey(q.cfg.TokenKey)
	q.transport = &quic.Transport{
		Conn: socket, ConnectionIDLength: connIDLength,
		StatelessResetKey: &reset, TokenGeneratorKey: &token,
		VerifySourceAddress: q.mustProve, ConnContext: q.admit,
	}
	c := http3.ConfigureTLSConfig(serverTLS(q.cfg.TLS))
	c.MinVersion = tls.VersionTLS13 // QUIC knows no other (RFC 9001, section 4.2)
	var err error
	q.listener, err = q.transport.ListenEarly(c, &quic.Config{
		HandshakeIdleTimeout: quicHandshakeTimeout, MaxIdleTimeout: quicIdleTimeout,
		MaxIncomingStreams: quicStreams, MaxIncomingUniStreams: quicUniStreams,
		InitialStreamReceiveWindow: streamWindow, MaxStreamReceiveWindow: streamWindow,
		InitialConnectionReceiveWindow: connWindow, MaxConnectionReceiveWindow: connWindow,
		Allow0RTT: true, EnableDatagrams: true, EnableStreamResetPartialDelivery: true,
	})
	if err != nil {
		return fmt.Errorf("transport: serve QUIC on %s: %w", socket.LocalAddr(), errors.Join(err, socket.Close()))
	}
	return nil
}

// mustProve says whether a handshake must begin again with a token that proves
// its address. It is called before anything is kept of it.
func (q *quicServer) mustProve(net.Addr) bool {
	if q.retry.Allow() {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.retried++
	return true
}

// errRefused refuses a connection; the client is told CONNECTION_REFUSED.
var errRefused = errors.New("transport: the connection is over a limit")

// admit counts a connection before its handshake, which for QUIC is the last
// moment at which it can be refused for nothing.
func (q *quicServer) admit(ctx context.Context, info *quic.ClientInfo) (context.Context, error) {
	release, why := q.limits.admitQUIC(addrOf(info.RemoteAddr), info.AddrVerified)
	if why != "" {
		return nil, errRefused
	}
	context.AfterFunc(ctx, release)
	return q.peers.enter(ctx, info), nil
}

// acceptors is how many wait for connections. QUIC keeps 32 that nobody has
// taken and refuses more; in a storm on one core so many are there before whoever
// waits has its turn. Who waits is given one at once.
const acceptors = 128

// accept serves connections until the listener is closed; ctx must not end
// before.
func (q *quicServer) accept(ctx context.Context) error {
	var accepting errgroup.Group
	for range acceptors {
		accepting.Go(func() error { return q.acceptEach(ctx) })
	}
	return accepting.Wait()
}

func (q *quicServer) acceptEach(ctx context.Context) error {
	for {
		c, err := q.listener.Accept(ctx)
		if err != nil {
			if errors.Is(err, quic.ErrServerClosed) {
				return nil
			}
			return fmt.Errorf("transport: accept QUIC: %w", err)
		}
		u := q.add(c)
		if u == nil {
			_ = c.CloseWithError(h3NoError, "") // the peer has gone, or is told
			continue
		}
		q.serving.Go(func() {
			defer q.remove(c)
			// What ends a connection is the client's affair: it left, or broke
			// the protocol and was told so.
			_ = q.serve(ctx, u)
			_ = c.CloseWithError(h3NoError, "")
		})
	}
}

// add returns the use that is made of a new connection, nil if none is to be.
func (q *quicServer) add(c *quic.Conn) *usage {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closing {
		return nil
	}
	u := newUsage(c)
	if q.cfg.Extension != nil {
		u.streams = q.cfg.Extension.Join(c)
	}
	q.conns[c] = u
	q.trim.connected()
	return u
}

func (q *quicServer) remove(c *quic.Conn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.conns[c].idle.Stop()
	delete(q.conns, c)
	select {
	case q.left <- struct{}{}:
	default: // one is enough
	}
}

// lastWords is how long connections outlive their last answer when the hub
// stops: what is written is not sent yet, and closing a connection takes it
// back. It is some round trips over bad Wi-Fi.
const lastWords = 300 * time.Millisecond

// linger waits until all clients have left, for lastWords or ctx at most.
func (q *quicServer) linger(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lastWords)
	defer cancel()
	for {
		if open, _ := q.stats(); open == 0 {
			return
		}
		select {
		case <-q.left:
		case <-ctx.Done():
			return
		}
	}
}

// refuseNew refuses new connections, and new requests on those that are open.
func (q *quicServer) refuseNew() error {
	q.refusing.Store(true)
	return q.listener.Close()
}

func (q *quicServer) stats() (open int, retried uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.conns), q.retried
}

// close ends all connections, waits until they are done with or ctx ends, and
// closes the socket. Their packets that say so leave first.
func (q *quicServer) close(ctx context.Context) error {
	q.mu.Lock()
	q.closing = true
	all := slices.Collect(maps.Keys(q.conns))
	q.mu.Unlock()
	ended := make(chan struct{})
	go func() { // ends with the transport, at the latest
		defer close(ended)
		for _, c := range all {
			_ = c.CloseWithError(h3NoError, "")
		}
		q.serving.Wait()
	}()
	var err error
	select {
	case <-ended:
	case <-ctx.Done():
		err = ctx.Err()
	}
	return errors.Join(err, q.transport.Close(), q.socket.Close())
}
