package streams

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// fireTimeout bounds one call of fire: a command waits up to 10 s for the
	// log, and answers well before the server would give the timer to another
	// hub.
	fireTimeout = 20 * time.Second
	fireAckWait = 30 * time.Second
	// fireAtOnce is how many timers fire at the same time, so that one that
	// waits does not make the others late.
	fireAtOnce = 16
	// A timer whose fire fails comes again after firstAgain, then twice that
	// and so on up to longestAgain.
	firstAgain   = time.Second
	longestAgain = time.Minute
	// dueKept is for how long a due timer waits for a hub that runs it. Due
	// timers are derived from the fold when a hub starts, so this only keeps
	// the stream from growing.
	dueKept = 7 * 24 * time.Hour
	// timerIDBytes bounds a timer's id.
	timerIDBytes = 128
)

// Timers fire at their time, also when the hub was down at that time: then
// when it is up again. They are durable once Set has returned.
//
// They go by the machine's clock. Where that is set only some time after the
// start, run them after it.
type Timers struct{ node *Node }

// Set makes the timer fire with payload at due, or at once when that is past.
// It replaces a timer of the same id. The id is 1 to 128 printable characters
// without spaces, "*" and ">"; where it has dots, no part is empty. Errors
// wrap event.ErrUnavailable when ctx ended first.
func (t *Timers) Set(ctx context.Context, id string, due time.Time, payload []byte) error {
	if err := checkTimer(id); err != nil {
		return err
	}
	m := nats.NewMsg(timerSet + id)
	m.Data = payload
	// By hand, because the client's option for it cuts off the fraction of
	// the second and so makes timers fire early.
	m.Header.Set("Nats-Schedule", "@at "+due.UTC().Format(time.RFC3339Nano))
	m.Header.Set("Nats-Schedule-Target", timerDue+id)
	m.Header.Set("Nats-Schedule-TTL", dueKept.String())
	err := t.node.retry(ctx, func(ctx context.Context) error {
		_, err := t.node.js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0))
		return err
	})
	if err != nil {
		return fmt.Errorf("streams: set timer: %w", err)
	}
	return nil
}

// Cancel makes the timer not fire, if it has not been given to fire yet. It is
// no error if there is none.
func (t *Timers) Cancel(ctx context.Context, id string) error {
	if err := checkTimer(id); err != nil {
		return err
	}
	for _, subject := range []string{timerSet + id, timerDue + id} {
		err := t.node.retry(ctx, func(ctx context.Context) error {
			s, err := t.node.js.Stream(ctx, timerStream)
			if err != nil {
				return err
			}
			return s.Purge(ctx, jetstream.WithPurgeSubject(subject))
		})
		if err != nil {
			return fmt.Errorf("streams: cancel timer: %w", err)
		}
	}
	return nil
}

func checkTimer(id string) error {
	odd := func(r rune) bool { return r <= ' ' || r > '~' || r == '*' || r == '>' }
	if id == "" || len(id) > timerIDBytes || strings.ContainsFunc(id, odd) || strings.Contains("."+id+".", "..") {
		return fmt.Errorf("streams: %.40q cannot be a timer's id", id)
	}
	return nil
}

// Run calls fire for every timer that is due, never before its time, and again
// later if it returns an error. A timer may fire twice, after a crash or on
// two hubs; what it causes must be the same as once. fire is called by several
// goroutines, and gets a context that ends after 20 s. Run returns when ctx or
// the node has ended and every fire with it.
func (t *Timers) Run(ctx context.Context, fire func(ctx context.Context, id string, payload []byte) error) error {
	ctx, cancel := t.node.whileOpen(ctx)
	defer cancel()
	var firing sync.WaitGroup
	defer firing.Wait()
	slots := make(chan struct{}, fireAtOnce)
	for ctx.Err() == nil {
		err := t.consume(ctx, slots, func(m jetstream.Msg) {
			firing.Go(func() {
				defer func() { <-slots }()
				t.fire(ctx, m, fire)
			})
		})
		if ctx.Err() != nil {
			break
		}
		t.node.logger.Debug("wait for timers again", "error", err)
		select {
		case <-time.After(firstAgain):
		case <-ctx.Done():
		}
	}
	return context.Cause(ctx)
}

// consume gives due timers to fn through the consumer that all hubs share, for
// as long as it can be read. Before it takes one it takes a slot, which fn has
// to give back.
func (t *Timers) consume(ctx context.Context, slots chan struct{}, fn func(jetstream.Msg)) error {
	ctx, end := t.node.untilRecovered(ctx)
	defer end()
	start, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	consumer, err := t.node.js.CreateOrUpdateConsumer(start, timerStream, jetstream.ConsumerConfig{
		Durable: timerConsumer, FilterSubject: timerDue + ">",
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: fireAckWait,
		// One that fails must not hold up the others.
		MaxAckPending: -1,
	})
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(
		// What is fetched ahead would be lost to the other hubs, and to this
		// one's next start, until the server takes it back.
		jetstream.PullMaxMessages(1),
		jetstream.PullExpiry(10*followBeat), jetstream.PullHeartbeat(followBeat),
		jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			<-slots
			return err
		}
		fn(m)
	}
}

func (t *Timers) fire(run context.Context, m jetstream.Msg, fire func(context.Context, string, []byte) error) {
	ctx, cancel := context.WithTimeout(run, fireTimeout)
	defer cancel()
	id := strings.TrimPrefix(m.Subject(), timerDue)
	err := fire(ctx, id, m.Data())
	switch {
	case err == nil:
		// Waits for the answer, so that a hub that stops now does not find the
		// timer again when it starts.
		err = m.DoubleAck(context.WithoutCancel(ctx))
	case run.Err() != nil: // for another hub, or the next start
		err = errors.Join(err, m.Nak())
	default:
		err = errors.Join(err, m.NakWithDelay(again(m)))
	}
	if err != nil {
		t.node.logger.Warn("fire a timer", "timer", id, "error", err)
	}
}

// again is how long a timer waits that has just failed.
func again(m jetstream.Msg) time.Duration {
	meta, err := m.Metadata()
	if err != nil {
		return longestAgain
	}
	times := min(meta.NumDelivered-1, 10) // 2^10 s is beyond longestAgain
	return min(firstAgain<<times, longestAgain)
}
