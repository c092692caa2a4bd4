package streams

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"everything.local/event"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// probeEvery is for how long one write that worked proves that writes
	// work.
	probeEvery = 10 * time.Second
	// leaderAsked is how often a node with peers asks the log's leader for a
	// sign of life, and leaderLost after how long without one it counts as
	// lost.
	leaderAsked = time.Second
	leaderLost  = 3 * time.Second
)

// Probe proves that the site can be written: by the newest append or probe if
// that is less than ten seconds old, else by a write to a stream of its own.
// The error wraps event.ErrUnavailable, and event.ErrFailed at once if that is why.
func (n *Node) Probe(ctx context.Context) error {
	if n.serverLog.fatal.Load() {
		return fmt.Errorf("%w: the server gave up: %s", event.ErrUnavailable, n.serverLog.lastError())
	}
	if n.isClosed() {
		return errClosed
	}
	if err := n.Err(); err != nil {
		return err
	}
	if time.Since(time.Unix(0, n.log.written.Load())) < probeEvery {
		return nil
	}
	ctx, cancel := n.whileWritable(ctx)
	defer cancel()
	if err := n.writeProbe(ctx); err != nil {
		return err
	}
	n.log.written.Store(time.Now().UnixNano())
	return nil
}

func (n *Node) writeProbe(ctx context.Context) error {
	err := n.retry(ctx, func(ctx context.Context) error {
		_, err := n.js.PublishMsg(ctx, nats.NewMsg(probeSubject), jetstream.WithRetryAttempts(0))
		return err
	})
	if err != nil {
		return fmt.Errorf("streams: probe: %w", err)
	}
	return nil
}

// leader keeps in mind when the log's leader was last heard.
type leader struct {
	node  *Node
	heard atomic.Int64 // Unix nanoseconds
}

// run asks for signs of life until ctx ends. A node that is alone is its own
// leader and has nobody to ask.
func (l *leader) run(ctx context.Context) {
	if l.node.config.Cluster == nil {
		return
	}
	tick := time.NewTicker(leaderAsked)
	defer tick.Stop()
	for {
		once, cancel := context.WithTimeout(ctx, leaderAsked)
		s, err := l.node.js.Stream(once, logStream)
		cancel()
		if err == nil && leads(s.CachedInfo().Cluster) {
			l.heard.Store(time.Now().UnixNano())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// leads reports whether what answered has a majority behind it. A leader that
// is cut off from its peers goes on answering for ten seconds or so.
func leads(c *jetstream.ClusterInfo) bool {
	if c == nil || c.Leader == "" {
		return false
	}
	hears := 1
	for _, r := range c.Replicas {
		if !r.Offline && r.Active < leaderLost {
			hears++
		}
	}
	return 2*hears > len(c.Replicas)+1
}

// Leader returns when the log's leader was last heard, and whether that is
// recent enough for what is shown not to be stale. A node that is alone hears
// itself for as long as its server runs.
func (n *Node) Leader() (heard time.Time, ok bool) {
	if n.config.Cluster == nil && !n.isClosed() && n.server.Running() && !n.serverLog.fatal.Load() {
		n.leader.heard.Store(time.Now().UnixNano())
	}
	at := n.leader.heard.Load()
	if at == 0 {
		return time.Time{}, false
	}
	heard = time.Unix(0, at)
	return heard, !n.isClosed() && time.Since(heard) < leaderLost
}
