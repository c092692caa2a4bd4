package streams

import (
	"context"
	"fmt"
	"sync"
	"time"

	"everything.local/event"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	// storesChecked is how often the server is asked how its stores are, in
	// case it has not said so in its log, which it is asked after at once.
	storesChecked = time.Second
	// recoverWithin bounds Recover: reading the streams back is most of it.
	recoverWithin = startTimeout
)

// failure is whether the server can write its streams. A stream whose write
// has failed once takes no more of them until it is opened anew, also when the
// disk is well again, while the streams beside it may work.
type failure struct {
	// turn is held by whoever asks the server, or restarts the streams in it.
	turn sync.Mutex

	mu        sync.Mutex
	err       error   // nil while all is well
	failed    *signal // given when it is not
	recovered *signal // given by the next recovery
	signal    func() *signal
}

// newFailure returns one that makes its signals with signal.
func newFailure(signal func() *signal) *failure {
	return &failure{signal: signal, failed: signal(), recovered: signal()}
}

// state returns the failure, nil if there is none, and what one gives.
func (f *failure) state() (*signal, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed, f.err
}

// set reports whether err is news. The first one is kept: those that follow
// come of it.
func (f *failure) set(err error) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return false
	}
	f.err = err
	f.failed.give()
	return true
}

func (f *failure) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.failed = nil, f.signal()
	f.recovered.give()
	f.recovered = f.signal()
}

// Failed returns what is closed once the log, or a stream beside it, has failed
// for writing, as on a full disk. From then on Append, Forget and Probe fail at
// once, while Read, Tail and Head go on, and timers are set once they can be.
// It stays so until Recover, after which Failed is to be asked again.
//
// A node with peers never fails in this sense: it hands over to them.
func (n *Node) Failed() <-chan struct{} {
	failed, _ := n.failure.state()
	return failed.given
}

// Err returns why Failed is closed, nil if it is not. It wraps event.ErrFailed
// and event.ErrUnavailable and says what to do.
func (n *Node) Err() error {
	_, err := n.failure.state()
	return err
}

// watchStores asks the server how its streams are until ctx ends.
func (n *Node) watchStores(ctx context.Context) {
	if n.config.Cluster != nil {
		return
	}
	tick := time.NewTicker(storesChecked)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-n.serverLog.trouble:
		case <-ctx.Done():
			return
		}
		n.failure.turn.Lock()
		err := n.checkStores()
		if err != nil && n.failure.set(err) {
			n.logger.Error("the log takes no more writes", "error", err)
		}
		n.failure.turn.Unlock()
	}
}

// checkStores returns what the server knows of failed writes, which it tells
// nobody who writes: they get no answer. It is called with failure.turn held.
func (n *Node) checkStores() error {
	for _, e := range n.server.Healthz(&server.HealthzOptions{Details: true}).Errors {
		switch e.Type {
		case server.HealthzErrorStream, server.HealthzErrorJetStream:
			return fmt.Errorf("%w: %w: %s; see that the disk of %s is neither full, read-only nor broken, and restart the hub if it does not go on by itself",
				event.ErrUnavailable, event.ErrFailed, e.Error, n.dir.path)
		default: // of connections and accounts, which a node alone has none of
		}
	}
	return nil
}

// whileWritable returns a context that ends with ctx, or with Err as its cause
// once the log has failed.
func (n *Node) whileWritable(ctx context.Context) (context.Context, context.CancelFunc) {
	failed, err := n.failure.state()
	if err == nil {
		return failed.until(ctx, n.Err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	cancel(err)
	return ctx, func() {}
}

// untilRecovered returns a context that ends with ctx or the next Recover,
// with errAgain as its cause: no consumer outlives that.
func (n *Node) untilRecovered(ctx context.Context) (context.Context, context.CancelFunc) {
	n.failure.mu.Lock()
	recovered := n.failure.recovered
	n.failure.mu.Unlock()
	return recovered.until(ctx, func() error { return errAgain })
}
