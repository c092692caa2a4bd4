package streams

import (
	"context"
	"errors"
	"fmt"
	"time"

	"everything.local/event"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// followAhead is how many messages a follower lets the server send before
	// it has dealt with them: enough to keep a replay busy.
	followAhead = 256
	// followBeat is how often a follower hears from its consumer when there
	// is nothing new. It misses two and asks for another one.
	followBeat = time.Second
	// followIdle is after how long the server drops a consumer that nobody
	// reads, so that those of a killed hub do not pile up.
	followIdle = 30 * time.Second
)

// message is what a follower is given.
type message struct {
	seq     uint64
	subject string
	data    []byte
}

// follow calls fn with every message of a stream after the sequence given, in
// order and none twice, until ctx or the node ends or fn fails. It rides out
// the loss of whichever server it reads from.
func (n *Node) follow(ctx context.Context, stream string, after uint64, fn func(message) error) error {
	ctx, cancel := n.whileOpen(ctx)
	defer cancel()
	f := follower{node: n, stream: stream, at: after, fn: fn}
	wait := firstWait
	for ctx.Err() == nil {
		before := f.at
		if err := f.read(ctx); ctx.Err() == nil {
			n.logger.Debug("follow again", "stream", stream, "after", f.at, "error", err)
		}
		if f.err != nil {
			return f.err
		}
		wait = min(2*wait, longestWait)
		if f.at != before {
			wait = firstWait
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
	return context.Cause(ctx)
}

// follower is one call of follow.
type follower struct {
	node   *Node
	stream string
	at     uint64 // the last sequence fn was given
	fn     func(message) error
	err    error // fn's
}

// read follows through one consumer for as long as that lasts. Consumers have
// no acknowledgements and live in memory: at is all there is to keep.
func (f *follower) read(ctx context.Context) error {
	ctx, end := f.node.untilRecovered(ctx)
	defer end()
	start, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	consumer, err := f.node.js.CreateConsumer(start, f.stream, jetstream.ConsumerConfig{
		AckPolicy:     jetstream.AckNonePolicy,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: f.at + 1,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: followIdle,
	})
	if err != nil {
		return err
	}
	defer f.drop(ctx, consumer.CachedInfo().Name)
	messages, err := consumer.Messages(
		jetstream.PullMaxMessages(followAhead),
		jetstream.PullExpiry(10*followBeat), jetstream.PullHeartbeat(followBeat),
		jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		// A replica that is behind starts where it is.
		if meta.Sequence.Stream <= f.at {
			continue
		}
		if f.err = f.fn(message{meta.Sequence.Stream, m.Subject(), m.Data()}); f.err != nil {
			return f.err
		}
		f.at = meta.Sequence.Stream
	}
}

// drop deletes the consumer. If the node is closed or the server gone, the
// server does that by itself after followIdle.
func (f *follower) drop(ctx context.Context, name string) {
	if f.node.isClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), followBeat)
	defer cancel()
	if err := f.node.js.DeleteConsumer(ctx, f.stream, name); err != nil {
		f.node.logger.Debug("drop a consumer", "stream", f.stream, "error", err)
	}
}

// Tail implements event.Log. It reads through one consumer of its own, so it
// is for the hub's followers, not for clients. When the node is closed it
// returns an error that wraps event.ErrUnavailable.
func (l *Log) Tail(ctx context.Context, after uint64, fn func(event.Event) error) error {
	l.node.keys.flush()
	next := after + 1
	give := func(m message) error {
		e, sealed, err := decode(m.subject, m.seq, m.data)
		if err != nil {
			return err
		}
		if err := l.node.keys.open(ctx, &e, sealed); err != nil {
			return err
		}
		l.node.high.reach(e.Seq)
		next = e.Seq + 1
		return fn(e)
	}
	err := l.node.follow(ctx, logStream, after, func(m message) error {
		for next < m.seq { // what the consumer could not read
			missing, err := l.fetch(ctx, next)
			if err != nil {
				return err
			}
			if err := give(missing); err != nil {
				return err
			}
		}
		return give(m)
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// fetch asks the leader for an event that the log must have.
func (l *Log) fetch(ctx context.Context, seq uint64) (message, error) {
	var m stored
	err := l.node.retry(ctx, func(ctx context.Context) (err error) {
		m, err = l.node.get(ctx, logStream, getRequest{Seq: seq})
		return err
	})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return message{}, fmt.Errorf("%w: event %d is missing from the log", event.ErrDamaged, seq)
	}
	return message{m.Seq, m.Subject, m.Data}, err
}
