package streams

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Node is one hub's place in the streams. It is safe for concurrent use.
type Node struct {
	config Config
	logger *slog.Logger

	dir       *directory
	serverLog *serverLog
	server    *server.Server
	conn      *nats.Conn
	js        jetstream.JetStream

	keys   *keys
	high   *highWater
	log    *Log
	timers *Timers
	leader *leader

	failure   *failure
	jetstream server.JetStreamConfig // what the streams were opened with, for Recover

	// closed is given by Close, first of all. work is what the node started.
	closed *signal
	work   sync.WaitGroup
	once   sync.Once
}

// Open locks the data directory, starts the server in it and opens the
// streams, waiting for a quorum of the peers if there are any, for as long as
// ctx lasts. Errors wrap ErrLocked, ErrUnwritable, ErrOtherSite, ErrOtherMode
// or ErrDamaged where one of them is the cause. The caller must Close.
func Open(ctx context.Context, c Config) (*Node, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	dir, err := openDirectory(c.Dir)
	if err != nil {
		return nil, err
	}
	n := &Node{
		config: c, logger: c.Logger, dir: dir, serverLog: newServerLog(c.Logger),
		failure: newFailure(func() *signal { return signalOf(context.WithCancel(context.WithoutCancel(ctx))) }),
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	n.closed = signalOf(life, end)
	if err := n.open(ctx, life); err != nil {
		return nil, errors.Join(err, n.Close(context.WithoutCancel(ctx)))
	}
	return n, nil
}

func (n *Node) open(ctx, life context.Context) (err error) {
	if err := n.dir.claim(site{n.config.Site, n.config.Mode}); err != nil {
		return err
	}
	if n.high, err = openHighWater(n.dir, n.logger); err != nil {
		return err
	}
	if n.server, n.conn, err = startServer(ctx, n.config, n.serverLog); err != nil {
		return err
	}
	n.jetstream = *n.server.JetStreamConfig()
	n.jetstream.StoreDir = n.dir.path // which the server adds its own folder to
	if n.js, err = jetstream.New(n.conn); err != nil {
		return fmt.Errorf("streams: %w", err)
	}
	if err := n.openStreams(ctx); err != nil {
		return err
	}
	n.keys = newKeys(n)
	n.log = newLog(n)
	if _, err := n.conn.Subscribe(n.log.window.inbox+"*", n.log.window.answered); err != nil {
		return fmt.Errorf("streams: %w", err)
	}
	n.timers = &Timers{n}
	n.leader = &leader{node: n}
	if err := n.checkLog(ctx); err != nil {
		return err
	}
	n.leader.heard.Store(time.Now().UnixNano()) // who else has answered
	keys := n.keys
	changed, err := keys.head(ctx)
	if err != nil {
		return err
	}
	n.work.Go(func() { keys.watch(life, changed) })
	n.work.Go(func() { n.high.run(life) })
	n.work.Go(func() { n.leader.run(life) })
	n.work.Go(func() { n.watchStores(life) })
	return nil
}

// isClosed reports whether Close has been called.
func (n *Node) isClosed() bool {
	select {
	case <-n.closed.given:
		return true
	default:
		return false
	}
}

// whileOpen returns a context that ends with ctx or the node, the latter with
// errClosed as its cause.
func (n *Node) whileOpen(ctx context.Context) (context.Context, context.CancelFunc) {
	return n.closed.until(ctx, func() error { return errClosed })
}

// Log returns the site's log.
func (n *Node) Log() *Log { return n.log }

// Timers returns the site's timers.
func (n *Node) Timers() *Timers { return n.timers }

// Checkpoints returns where the fold's checkpoint is kept.
func (n *Node) Checkpoints() *Checkpoints {
	return &Checkpoints{name: n.dir.file("checkpoint"), logger: n.logger}
}

// Close ends everything the node started and gives up its directory. Appends
// and tails that still run fail. A node with peers hands leadership over
// first, so that they go on without an election; ctx bounds that.
func (n *Node) Close(ctx context.Context) error {
	n.once.Do(func() { n.close(ctx) })
	return nil
}

func (n *Node) close(ctx context.Context) {
	n.closed.give()
	n.work.Wait()
	if n.log != nil {
		n.log.window.close()
	}
	n.failure.turn.Lock() // a Recover that still runs
	defer n.failure.turn.Unlock()
	if n.conn != nil {
		n.conn.Close()
	}
	if n.server != nil {
		n.stop(ctx)
	}
	if err := n.dir.close(); err != nil {
		n.logger.Error("unlock the data directory", "error", err)
	}
}

func (n *Node) stop(ctx context.Context) {
	if n.config.Cluster != nil {
		handed := make(chan struct{})
		go func() { // ends with the server at the latest, which is awaited below
			defer close(handed)
			n.server.LameDuckShutdown()
		}()
		select {
		case <-handed:
		case <-ctx.Done():
		}
		defer func() { <-handed }()
	}
	stopServer(n.server)
}
