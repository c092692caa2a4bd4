package streams

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

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

	// ctx is the life of the node, from Open to Close; work is what runs in
	// it.
	ctx  context.Context //nolint:containedctx // the node's own life, see above
	end  context.CancelFunc
	work sync.WaitGroup
	once sync.Once
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
	n := &Node{config: c, logger: c.Logger, dir: dir, serverLog: newServerLog(c.Logger)}
	n.ctx, n.end = context.WithCancel(context.Background())
	if err := n.open(ctx); err != nil {
		return nil, errors.Join(err, n.Close(context.WithoutCancel(ctx)))
	}
	return n, nil
}

func (n *Node) open(ctx context.Context) (err error) {
	if err := n.dir.claim(site{n.config.Site, n.config.Mode}); err != nil {
		return err
	}
	if n.high, err = openHighWater(n.dir, n.logger); err != nil {
		return err
	}
	if n.server, n.conn, err = startServer(n.config, n.serverLog); err != nil {
		return err
	}
	if n.js, err = jetstream.New(n.conn); err != nil {
		return fmt.Errorf("streams: %w", err)
	}
	if err := n.openStreams(ctx); err != nil {
		return err
	}
	n.keys = newKeys(n)
	n.log = newLog(n)
	n.timers = &Timers{n}
	n.leader = &leader{node: n}
	if err := n.checkLog(ctx); err != nil {
		return err
	}
	if err := n.keys.watch(ctx); err != nil {
		return err
	}
	n.work.Go(func() { n.high.run(n.ctx) })
	n.work.Go(func() { n.leader.run(n.ctx) })
	return nil
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
	n.end()
	n.work.Wait()
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
