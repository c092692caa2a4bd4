package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// ServerConfig is what NewServer needs. Addr, TLS, Handler and WriteError are
// required.
type ServerConfig struct {
	// Addr is where HTTP/1.1 and HTTP/2 are served over TLS, like ":8443".
	Addr string
	// TLS provides certificates. Its MinVersion is TLS 1.3 unless set.
	TLS     *tls.Config
	Handler http.Handler
	// PlainBoardAddr, if not empty, is where PlainBoardHandler is served over
	// HTTP/1.1 without TLS, for televisions that trust no private CA.
	PlainBoardAddr    string
	PlainBoardHandler http.Handler
	// WriteError answers requests of connections over the limit.
	WriteError func(http.ResponseWriter, *http.Request, error)
	// QUIC serves the same handler over HTTP/3, on UDP and the port number of
	// Addr; nil for TCP only.
	QUIC *QUICConfig
	// AdvertiseQUIC says of the name that a client asked for (SNI, "" without one)
	// whether it is to be told of QUIC with every answer (Alt-Svc, RFC 7838); nil
	// for nobody. With a certificate that only some of them trust over QUIC it
	// does harm: they try it, and stumble.
	AdvertiseQUIC func(serverName string) bool
	// Feed is drained before the sockets; nil for none.
	Feed *Feed
	// GoawayTo names the hubs that clients of a draining hub should turn to;
	// nil for none.
	GoawayTo func() []string
	Logger   *slog.Logger

	// MaxConns and MaxConnsPerAddress bound connections; 0 is DefaultMaxConns
	// and DefaultMaxConnsPerAddress.
	MaxConns, MaxConnsPerAddress int
	// Memory keeps new connections out while it is short; nil for no budget.
	// FeedConfig's is the same. Run keeps it up to date.
	Memory *Budget
	// StallTimeout is how long a client may take no byte of any response; 0 is
	// DefaultStallTimeout. Set FeedConfig's to the same.
	StallTimeout time.Duration
	// NoPoll serves feeds on HTTP/1.1 with goroutines for each connection, as on
	// systems without epoll.
	NoPoll bool
	// DrainWindow is over how much time feeds leave when the server ends; 0 is
	// DefaultDrainWindow, and NoDrainWindow is none.
	DrainWindow time.Duration
}

// Bounds of what a client may send, and of how long it may take.
const (
	// readHeaderTimeout also bounds the TLS handshake.
	readHeaderTimeout = 10 * time.Second
	// readTimeout is for a whole request: the largest body, an imported menu,
	// over a bad phone line.
	readTimeout = 30 * time.Second
	// writeTimeout is for the answer to anything but a feed, with the 10 s that
	// a command may wait for the log in it.
	writeTimeout = 40 * time.Second
	// idleTimeout is also how long net/http holds on to the memory of an HTTP/2
	// connection that broke, some 13 KiB. Pages have a feed open on theirs.
	idleTimeout = 30 * time.Second
	// maxHeaderBytes holds a cookie, a token and a long list of topics.
	maxHeaderBytes = 64 << 10
	// maxStreams is how many requests one HTTP/2 connection may have open:
	// several pages of one browser, each with feeds.
	maxStreams = 64
	// streamWindow and connWindow bound the request bodies that lie unread.
	streamWindow = 64 << 10
	connWindow   = 256 << 10
)

// Server owns the listening sockets. Listen, then Run.
type Server struct {
	cfg    ServerConfig
	limits *limiter
	asking *requests
	board  *http.Server // nil without a plain board
	main   *http.Server
	quic   *quicServer // nil without QUIC
	active inflight
	trim   *trimmer

	mainListener, boardListener net.Listener // set by Listen
	// carrier has the connections that feeds have taken over; nil without feeds.
	carrier carrier
}

// NewServer returns a server that listens nowhere yet.
func NewServer(cfg ServerConfig) *Server {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxConns == 0 {
		cfg.MaxConns = DefaultMaxConns
	}
	if cfg.MaxConnsPerAddress == 0 {
		cfg.MaxConnsPerAddress = DefaultMaxConnsPerAddress
	}
	if cfg.StallTimeout == 0 {
		cfg.StallTimeout = DefaultStallTimeout
	}
	if cfg.DrainWindow == 0 {
		cfg.DrainWindow = DefaultDrainWindow
	}
	s := &Server{
		cfg:    cfg,
		limits: newLimiter(cfg.MaxConns, cfg.MaxConnsPerAddress),
		asking: newRequests(cfg.WriteError),
		trim:   newTrimmer(),
	}
	s.limits.memory = cfg.Memory
	s.main = s.newHTTP(cfg.Handler)
	s.main.TLSConfig = serverTLS(cfg.TLS)
	s.main.Protocols.SetHTTP2(true)
	s.main.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams:          maxStreams,
		MaxReceiveBufferPerConnection: connWindow,
		MaxReceiveBufferPerStream:     streamWindow,
		MaxReadFrameSize:              16 << 10, // the protocol's least
	}
	if cfg.PlainBoardAddr != "" {
		s.board = s.newHTTP(cfg.PlainBoardHandler)
	}
	if cfg.QUIC != nil {
		s.quic = newQUICServer(cfg, s.limits, s.trim, s.active.count(s.refuseWhenClosing(s.asking.limit(cfg.Handler))))
		if cfg.AdvertiseQUIC != nil {
			s.main.Handler = s.advertise(s.main.Handler)
		}
	}
	return s
}

// newHTTP returns an HTTP/1.1 server with the bounds that all listeners share.
func (s *Server) newHTTP(h http.Handler) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           s.active.count(readToTheEnd(turnAway(s.asking.limit(h), s.cfg.WriteError))),
		Protocols:         protocols,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnContext:       withConn,
		ErrorLog:          newErrorLog(s.cfg.Logger),
	}
}

func serverTLS(c *tls.Config) *tls.Config {
	c = c.Clone()
	if c.MinVersion == 0 {
		c.MinVersion = tls.VersionTLS13
	}
	return c
}

// Addr returns the address of the TLS listener. Valid after Listen.
func (s *Server) Addr() net.Addr { return s.mainListener.Addr() }

// BoardAddr returns the address of the plain listener, nil without one.
func (s *Server) BoardAddr() net.Addr {
	if s.boardListener == nil {
		return nil
	}
	return s.boardListener.Addr()
}

// Run serves until ctx ends and the server is drained, at most DrainBudget
// later, or until a listener fails. It returns that failure, or nil.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, 4) // one for each listener, and the carrier's
	var wg sync.WaitGroup
	wg.Go(func() { failed <- s.main.ServeTLS(s.mainListener, "", "") })
	if s.board != nil {
		wg.Go(func() { failed <- s.board.Serve(s.boardListener) })
	}
	if s.quic != nil {
		wg.Go(func() { failed <- s.quic.accept(context.WithoutCancel(ctx)) })
	}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	if s.cfg.Memory != nil {
		wg.Go(func() { s.cfg.Memory.run(watching, s.closeUnused) })
	}
	wg.Go(func() { s.trim.run(watching) })
	if s.quic != nil {
		wg.Go(func() { s.quic.watch(watching) })
	}
	if s.carrier != nil {
		wg.Go(func() { s.cfg.Feed.workers.run(watching) })
		wg.Go(func() { failed <- s.carrier.Run(watching) })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("transport: serve: %w", err)
	}
	s.drain(context.WithoutCancel(ctx))
	stop()
	wg.Wait()
	return err
}

// closeUnused frees the memory of who asks for nothing. On TCP that is hardly
// any; on QUIC a client may hold some on every stream it has begun.
func (s *Server) closeUnused() {
	if s.quic != nil {
		s.quic.closeUnused()
	}
}

// ServerStats counts connections and what was refused.
type ServerStats struct {
	// Open is how many are open now, without those being refused.
	Open int
	// Refused counts connections over a limit since the start.
	Refused map[Refusal]uint64
	// RefusedRequests counts requests over a limit of their address since then.
	RefusedRequests map[Refusal]uint64
	// QUIC is how many of the open ones are QUIC's, after their handshake.
	// Retried counts handshakes that had to prove their address first, since
	// the start.
	QUIC    int
	Retried uint64
	// Migrations counts the moves of clients whose QUIC connections went on,
	// Renewals the feeds that were asked to come again over another one because
	// theirs would not bear many more, both since the start.
	Migrations map[Move]uint64
	Renewals   uint64
}

// Stats returns the counters.
func (s *Server) Stats() ServerStats {
	stats := ServerStats{RefusedRequests: s.asking.stats()}
	stats.Open, stats.Refused = s.limits.stats()
	if s.quic != nil {
		stats.QUIC, stats.Retried = s.quic.stats()
		stats.Migrations, stats.Renewals = s.quic.moveStats()
	}
	return stats
}
