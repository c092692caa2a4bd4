package streams

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// The streams, and the subjects in them.
const (
	logStream  = "LOG"
	logPrefix  = "log." // then <kind>.<id>
	keysBucket = "KEYS" // customers' keys, kept apart from the log
	keysStream = "KV_" + keysBucket
	keysPrefix = "$KV." + keysBucket + "."

	timerStream   = "TIMERS"
	timerConsumer = "timers"
	timerSet      = "timer.set." // then the timer's id
	timerDue      = "timer.due."

	probeStream  = "PROBE"
	probeSubject = "probe"
)

// streamConfigs is what all hubs of a site agree on. AllowDirect is off
// everywhere: with it a replica that is behind may answer a get.
func streamConfigs(replicas int) []jetstream.StreamConfig {
	return []jetstream.StreamConfig{
		{
			Name: logStream, Subjects: []string{logPrefix + ">"},
			Storage: jetstream.FileStorage, Replicas: replicas,
			DenyDelete: true, DenyPurge: true, AllowAtomicPublish: true,
		},
		{
			// Laid out like any KV bucket of history 1, so that the usual
			// tools can look at it.
			Name: keysStream, Subjects: []string{keysPrefix + ">"},
			Storage: jetstream.FileStorage, Replicas: replicas,
			MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew, AllowRollup: true,
		},
		{
			// Schedules forbid DenyPurge, which is why timers are apart from
			// the log.
			Name: timerStream, Subjects: []string{timerSet + ">", timerDue + ">"},
			Storage: jetstream.FileStorage, Replicas: replicas,
			AllowMsgSchedules: true, AllowMsgTTL: true,
			// AllowMsgSchedules turns it on; it is said here so that what is
			// asked for equals what there is.
			AllowRollup: true,
		},
		{
			Name: probeStream, Subjects: []string{probeSubject},
			Storage: jetstream.FileStorage, Replicas: replicas,
			MaxMsgsPerSubject: 1,
		},
	}
}

// openStreams makes the streams of a new site and finds those of an old one.
func (n *Node) openStreams(ctx context.Context) error {
	for _, c := range streamConfigs(n.config.replicas()) {
		if err := n.retry(ctx, func(ctx context.Context) error { return n.openStream(ctx, c) }); err != nil {
			return fmt.Errorf("streams: open %s: %w", c.Name, err)
		}
	}
	return n.high.begin()
}

// openStream never makes a stream anew where there has been one: an empty log
// in the place of a lost one would look like a new site.
func (n *Node) openStream(ctx context.Context, c jetstream.StreamConfig) error {
	have, err := n.js.Stream(ctx, c.Name)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound) && n.high.begun() && (c.Name == logStream || c.Name == keysStream):
		return fmt.Errorf("%w: stream %s is missing from %s; restore the directory from a backup, or move it away to begin a new log (the server said: %s)",
			ErrDamaged, c.Name, n.dir.path, n.serverLog.lastError())
	case errors.Is(err, jetstream.ErrStreamNotFound):
		_, err = n.js.CreateStream(ctx, c)
		return err
	case err != nil:
		return err
	}
	if have.CachedInfo().Config.Replicas == c.Replicas {
		return nil
	}
	_, err = n.js.UpdateStream(ctx, c)
	return err
}
