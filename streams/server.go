package streams

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	// startTimeout is how long the server may take to read its streams back.
	// A million events take some seconds on the smallest machine a hub is
	// meant for.
	startTimeout = time.Minute
	// startWait is how often is looked whether it has given up meanwhile.
	startWait = 200 * time.Millisecond
	// maxStore is more than any disk: the disk is the limit. Left to itself
	// the server takes three quarters of what is free when it starts, and then
	// refuses writes until it is restarted, however much is free by then.
	maxStore = 1 << 50
)

// startServer runs nats-server in this process and connects to it.
func startServer(ctx context.Context, c Config, log *serverLog) (*server.Server, *nats.Conn, error) {
	opts := &server.Options{
		ServerName: "hub",
		JetStream:  true, StoreDir: c.Dir, SyncAlways: true,
		JetStreamMaxMemory: 64 << 20, // for followers' consumers, some KiB each
		JetStreamMaxStore:  maxStore,
		DontListen:         true,
		NoSigs:             true, DisableJetStreamBanner: true,
	}
	token := rand.Text() // for this process's own connection, never written
	client := []nats.Option{nats.MaxReconnects(-1), nats.ErrorHandler(log.connection)}
	if c.Cluster != nil {
		if err := joinCluster(opts, c.Cluster); err != nil {
			return nil, nil, err
		}
		opts.Authorization = token
		client = append(client, nats.Token(token))
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, nil, fmt.Errorf("streams: start: %w", err)
	}
	s.SetLoggerV2(log, false, false, false)
	s.Start()
	if err := ready(ctx, c, s, log); err != nil {
		stopServer(s)
		return nil, nil, err
	}
	nc, err := nats.Connect("", append(client, nats.InProcessServer(s))...)
	if err != nil {
		stopServer(s)
		return nil, nil, fmt.Errorf("streams: connect: %w", err)
	}
	return s, nc, nil
}

// ready waits for the server. When it cannot use its directory it says so to
// its log only, and would end the process if that let it.
func ready(ctx context.Context, c Config, s *server.Server, log *serverLog) error {
	for start := time.Now(); ; {
		up := s.ReadyForConnections(startWait)
		switch {
		case log.fatal.Load() || up && !s.JetStreamEnabled():
			return unwritable(c.Dir, errors.New(log.lastError()))
		case up:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("streams: start: %w", context.Cause(ctx))
		case time.Since(start) > startTimeout:
			return fmt.Errorf("streams: the log did not start within %v: %s", startTimeout, log.lastError())
		}
	}
}

// joinCluster changes opts for a node with peers. Routing waits for the
// client listener, which therefore cannot be left out: it is on the loopback
// interface, on a port of its own choice, behind a token that only this
// process knows.
func joinCluster(opts *server.Options, k *Cluster) error {
	host, port, err := net.SplitHostPort(k.Listen)
	if err != nil {
		return fmt.Errorf("streams: cluster address: %w", err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return fmt.Errorf("streams: cluster address %s: %w", k.Listen, err)
	}
	mutual := k.TLS.Clone()
	mutual.ClientAuth = tls.RequireAndVerifyClientCert
	mutual.MinVersion = tls.VersionTLS13
	opts.ServerName = k.Node
	opts.DontListen, opts.Host, opts.Port = false, "127.0.0.1", server.RANDOM_PORT
	opts.Cluster = server.ClusterOpts{
		Name: "everything", Host: host, Port: number, NoAdvertise: true,
		Username: "hub", Password: k.Password,
		// One connection a peer: there is one account and little traffic.
		PoolSize: 1, TLSTimeout: 5, TLSConfig: mutual,
	}
	opts.LameDuckDuration, opts.LameDuckGracePeriod = 2*time.Second, time.Second
	for _, p := range k.Peers {
		opts.Routes = append(opts.Routes, &url.URL{Scheme: "nats-route", User: url.UserPassword("hub", k.Password), Host: p})
	}
	return nil
}

func stopServer(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// serverLog gives nats-server's lines to slog, keeps the last error for
// whoever waits for the server, and wakes watchStores. The server holds locks
// while it logs, so nothing is asked of it here.
type serverLog struct {
	to    *slog.Logger
	last  atomic.Pointer[string]
	fatal atomic.Bool
	// trouble has something in it when an error has been reported since
	// somebody last looked.
	trouble chan struct{}
}

func newServerLog(to *slog.Logger) *serverLog {
	return &serverLog{to: to, trouble: make(chan struct{}, 1)}
}

func (l *serverLog) lastError() string {
	if s := l.last.Load(); s != nil {
		return *s
	}
	return "no error was reported"
}

func (l *serverLog) print(level slog.Level, format string, v []any) {
	if !l.to.Enabled(context.Background(), level) && level < slog.LevelError {
		return
	}
	text := fmt.Sprintf(format, v...)
	if level >= slog.LevelError {
		l.last.Store(&text)
		select {
		case l.trouble <- struct{}{}:
		default:
		}
	}
	l.to.Log(context.Background(), level, "nats-server", "text", text)
}

// The methods of server.Logger. What the server takes note of is detail to a
// hub's operator.

func (l *serverLog) Noticef(format string, v ...any) { l.print(slog.LevelDebug, format, v) }
func (l *serverLog) Warnf(format string, v ...any)   { l.print(slog.LevelWarn, format, v) }
func (l *serverLog) Errorf(format string, v ...any)  { l.print(slog.LevelError, format, v) }
func (l *serverLog) Debugf(format string, v ...any)  { l.print(slog.LevelDebug, format, v) }
func (l *serverLog) Tracef(format string, v ...any)  { l.print(slog.LevelDebug, format, v) }

// Fatalf does not end the process, which is the hub's: it makes Probe fail.
func (l *serverLog) Fatalf(format string, v ...any) {
	l.fatal.Store(true)
	l.print(slog.LevelError, format, v)
}

// connection is told what goes wrong on the process's own connection, which
// the client would print to standard error.
func (l *serverLog) connection(_ *nats.Conn, _ *nats.Subscription, err error) {
	l.Warnf("connection: %v", err)
}
