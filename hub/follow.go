package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"everything.local/event"
)

// The pauses between tries to reach a log that has no leader at the moment.
const (
	firstPause = 100 * time.Millisecond
	mostPause  = 2 * time.Second
)

// errEnded is a log whose tail ended by itself.
var errEnded = errors.New("hub: the log ended")

// Run restores the latest checkpoint and applies the log from there until ctx
// ends, whatever happens to the log meanwhile; then it returns nil. A log that
// cannot be followed any further halts the hub (see Halted) but not Run. It is
// called once.
func (h *Hub) Run(ctx context.Context) error {
	if h.ran.Swap(true) {
		return errors.New("hub: Run is called once")
	}
	var saving sync.WaitGroup
	saver := newSaver(h.cfg)
	saving.Go(saver.run)
	defer saving.Wait()
	defer saver.close()

	head, err := h.restore(ctx)
	if err == nil {
		h.arrive(head)
		err = h.tail(ctx, saver, head)
	}
	if ctx.Err() == nil {
		h.haltWith(cmp.Or(err, errEnded))
		<-ctx.Done()
	}
	// A fold that refused an event for another reason than its age is not
	// trusted to be what it was before.
	if h.Halted() == nil || h.cfg.Halt(h.Halted()) {
		h.checkpoint(saver)
	}
	return nil
}

// tail applies events until ctx ends or one cannot be applied.
func (h *Hub) tail(ctx context.Context, saver *saver, head uint64) error {
	return persist(ctx, func() error {
		return h.cfg.Log.Tail(ctx, h.Cursor().Seq, func(e event.Event) error {
			if err := h.advance(e); err != nil {
				return err
			}
			h.arrive(head)
			if saver.due(h.cfg.CheckpointAt(e)) {
				h.checkpoint(saver)
			}
			return nil
		})
	})
}

// advance applies one event and tells everybody.
func (h *Hub) advance(e event.Event) error {
	h.mu.Lock()
	changes, err := h.take(e)
	h.mu.Unlock()
	if err != nil {
		return err
	}
	h.mu.RLock()
	for _, c := range changes {
		for _, f := range c.topic.followers {
			f.waker.Wake()
		}
	}
	h.mu.RUnlock()
	h.waiters.reached(e.Seq)
	return nil
}

// take applies one event; h.mu is held for writing.
func (h *Hub) take(e event.Event) ([]change, error) {
	if e.Seq <= h.applied {
		return nil, fmt.Errorf("hub: the log gave event %d after %d", e.Seq, h.applied)
	}
	entries, err := h.cfg.Fold.Apply(e)
	if err != nil {
		return nil, fmt.Errorf("hub: apply event %d: %w", e.Seq, err)
	}
	h.moveTo(e.Seq, fingerprint(e))
	changes := h.apply(e.Seq, entries)
	for _, c := range changes {
		h.publish(c)
	}
	h.totals.events++
	return changes, nil
}

// moveTo sets what is applied; h.mu is held for writing.
func (h *Hub) moveTo(seq uint64, last string) {
	epoch := h.cfg.Fold.Epoch()
	at := &event.Cursor{Epoch: epoch, Seq: seq}
	h.applied, h.last, h.cursor = seq, last, at.String()
	if epoch != h.epoch {
		h.epoch = epoch
		h.life++
		h.wakeAll()
	}
	h.position.Store(at)
}

// arrive opens the feeds once head is applied.
func (h *Hub) arrive(head uint64) {
	if h.isReady || h.applied < head { // only Run's goroutine writes these
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.isReady = true
	close(h.ready)
	h.wakeAll()
}

// persist calls fn again, with growing pauses, while it fails because the log
// is unavailable.
func persist(ctx context.Context, fn func() error) error {
	pause := firstPause
	for {
		err := fn()
		if err == nil || ctx.Err() != nil || !errors.Is(err, event.ErrUnavailable) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		pause = min(2*pause, mostPause)
	}
}

// fingerprint tells an event from another one that has the same sequence in
// another life of the log.
func fingerprint(e event.Event) string {
	return event.DeriveID("event", e.Subject.String(), e.Type, e.Command.ID, e.Command.Digest, event.FormatTime(e.Time), e.By)
}
