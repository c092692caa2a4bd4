package hub

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"everything.local/event"
)

// checkpointMagic begins a checkpoint; another form gets another number, and
// an older hub then replays.
const checkpointMagic = "hub checkpoint 1\n"

// saved is the content of a checkpoint.
type saved struct {
	// seq and last are the newest event applied and its fingerprint.
	seq         uint64
	epoch, last string
	fold        []byte
	// topics are sorted by name and not blank.
	topics []*topic
}

// snapshot returns the checkpoint of the state; h.mu is held.
func (h *Hub) snapshot() ([]byte, error) {
	fold, err := h.cfg.Fold.Snapshot()
	if err != nil {
		return nil, fmt.Errorf("hub: snapshot of the fold: %w", err)
	}
	s := saved{seq: h.applied, epoch: h.epoch, last: h.last, fold: fold}
	for _, name := range slices.Sorted(maps.Keys(h.topics)) {
		if t := h.topics[name]; len(t.items) > 0 || t.floor > 0 {
			s.topics = append(s.topics, t)
		}
	}
	return s.encode(), nil
}

// encode writes the checkpoint: the same bytes for the same state. Numbers are
// uvarints, texts and bytes have their length before them.
func (s saved) encode() []byte {
	b := []byte(checkpointMagic)
	b = binary.AppendUvarint(b, s.seq)
	b = appendText(b, s.epoch)
	b = appendText(b, s.last)
	b = appendText(b, s.fold)
	b = binary.AppendUvarint(b, uint64(len(s.topics)))
	for _, t := range s.topics {
		b = appendText(b, t.name)
		b = binary.AppendUvarint(b, t.floor)
		b = appendSequence(b, &t.present)
		b = appendSequence(b, &t.gone)
	}
	return b
}

func appendSequence(b []byte, s *sequence) []byte {
	b = binary.AppendUvarint(b, uint64(s.count))
	for w, it := s.first(); it != nil; it = w.next() {
		b = binary.AppendUvarint(b, it.seq)
		b = appendText(b, it.key)
		if it.value != nil {
			b = appendText(b, it.value)
		}
	}
	return b
}

func appendText[T ~string | ~[]byte](b []byte, s T) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// restore installs the saved checkpoint if it is of this log, and returns the
// log's head.
func (h *Hub) restore(ctx context.Context) (head uint64, err error) {
	err = persist(ctx, func() error {
		head, err = h.cfg.Log.Head(ctx)
		return err
	})
	if err != nil || h.cfg.Checkpoints == nil {
		return head, err
	}
	b, err := h.cfg.Checkpoints.Load()
	if b == nil && err == nil {
		return head, nil
	}
	if err == nil {
		err = h.install(ctx, b, head)
	}
	if err != nil && ctx.Err() == nil {
		h.cfg.Logger.Warn("the checkpoint cannot be used, replaying the whole log", "error", err)
	}
	return head, nil
}

// errForeign is a checkpoint of another log, or of another life of this one.
var errForeign = errors.New("hub: the checkpoint is not of this log")

func (h *Hub) install(ctx context.Context, b []byte, head uint64) error {
	s, err := decodeCheckpoint(b)
	if err != nil {
		return err
	}
	if s.seq > head {
		return fmt.Errorf("%w: it is at %d, the log at %d", errForeign, s.seq, head)
	}
	if err := h.verify(ctx, s); err != nil {
		return err
	}
	return h.adopt(s)
}

// adopt makes the checkpoint's state the hub's.
func (h *Hub) adopt(s saved) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.cfg.Fold.Restore(s.fold); err != nil {
		return fmt.Errorf("hub: restore the fold: %w", err)
	}
	for _, t := range s.topics {
		// Somebody may follow the topic already.
		own := h.topic(t.name)
		own.items, own.present, own.gone, own.floor = t.items, t.present, t.gone, t.floor
	}
	h.moveTo(s.seq, s.last)
	h.waiters.reached(s.seq)
	return nil
}

// verify looks whether the log's event at the checkpoint is the one that the
// checkpoint was made after: a log restored from a backup has grown anew.
func (h *Hub) verify(ctx context.Context, s saved) error {
	found := errors.New("found")
	var last string
	err := persist(ctx, func() error {
		return h.cfg.Log.Tail(ctx, s.seq-1, func(e event.Event) error {
			last = fingerprint(e)
			if e.Seq != s.seq {
				last = ""
			}
			return found
		})
	})
	if !errors.Is(err, found) {
		return err
	}
	if last != s.last {
		return fmt.Errorf("%w: event %d is another one", errForeign, s.seq)
	}
	return nil
}
