package streams

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// Recover opens the streams anew after they have failed, once the disk can be
// written again; it does nothing when they have not. Tails, timers and keys go
// on by themselves where they were. What was appended without an answer may be
// there afterwards or not, as after a crash.
//
// An error leaves the log failed. One that wraps ErrDamaged is for good: the
// log does not hold what has been read from it. After any other Recover may be
// tried again, or the hub restarted.
func (n *Node) Recover(ctx context.Context) error {
	n.failure.turn.Lock()
	defer n.failure.turn.Unlock()
	if n.isClosed() {
		return errClosed
	}
	if n.Err() == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, recoverWithin)
	defer cancel()
	if err := n.restartStreams(ctx); err != nil {
		return fmt.Errorf("streams: recover: %w", err)
	}
	n.log.written.Store(0) // so that Probe writes
	n.failure.clear()
	return nil
}

// restartStreams does what a restart of the process would do to the streams.
// The server and the connection to it stay, so that whoever follows a stream
// only has to ask again.
func (n *Node) restartStreams(ctx context.Context) error {
	if err := n.server.ShutdownJetStream(); err != nil {
		return err
	}
	n.log.window.renew()
	if err := rewriteEnds(filepath.Join(n.dir.path, server.JetStreamStoreDir)); err != nil {
		return unwritable(n.dir.path, err)
	}
	c := n.jetstream
	if err := n.server.EnableJetStream(&c); err != nil {
		return err
	}
	if err := n.openStreams(ctx); err != nil {
		return err
	}
	if err := n.checkLog(ctx); err != nil {
		return err
	}
	n.keys.flush()
	if err := n.writeProbe(ctx); err != nil {
		return err
	}
	return n.checkStores()
}

// rewriteEnds writes the newest block of each stream again, as it reads. When
// an fsync fails, the system may go on showing what it could not write, and
// will not try again: a retried order would be found there and answered
// although no disk has it.
func rewriteEnds(store string) error {
	streams, err := filepath.Glob(filepath.Join(store, "*", "streams", "*", "msgs"))
	if err != nil {
		return err
	}
	for _, msgs := range streams {
		name, err := newestBlock(msgs)
		if err != nil {
			return err
		}
		if name == "" {
			continue
		}
		b, err := os.ReadFile(name)
		if err == nil {
			err = writeFile(name, b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// newestBlock returns the block that a stream appends to, "" if it has none.
func newestBlock(msgs string) (name string, err error) {
	names, err := filepath.Glob(filepath.Join(msgs, "*.blk"))
	newest := uint64(0)
	for _, block := range names {
		number, err := strconv.ParseUint(strings.TrimSuffix(filepath.Base(block), ".blk"), 10, 64)
		if err == nil && number >= newest {
			name, newest = block, number
		}
	}
	return name, err
}
