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
	err       error         // nil while all is well
	failed    chan struct{} // closed when it is not
	recovered chan struct{} // closed by the next recovery
}

func newFailure() *failure {
	return &failure{failed: make(chan struct{}), recovered: make(chan struct{})}
}

// state returns the failure, nil if there is none, and what is closed by one.
func (f *failure) state() (<-chan struct{}, error) {
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
	close(f.failed)
	return true
}

func (f *failure) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.failed = nil, make(chan struct{})
	close(f.recovered)
	f.recovered = make(chan struct{})
}

// Failed returns what is closed once the log, or a stream beside it, has failed
// for writing, as on a full disk. From then on Append, Forget and Probe fail at
// once, while Read, Tail and Head go on, and timers are set once they can be.
// It stays so until Recover, after which Failed is to be asked again.
//
// A node with peers never fails in this sense: it hands over to them.
func (n *Node) Failed() <-chan struct{} {
	failed, _ := n.failure.state()
	return failed
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
		return until(ctx, failed, n.Err)
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
	return until(ctx, recovered, func() error { return errAgain })
}

// until returns a context that ends with ctx, or when done is closed.
func until(ctx context.Context, done <-chan struct{}, cause func() error) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-done:
			cancel(cause())
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-ended
	}
}
