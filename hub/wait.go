package hub

import (
	"context"
	"slices"
	"sync"
)

// waiters are channels to signal once a sequence is applied.
type waiters struct {
	mu   sync.Mutex
	list []waiter
}

type waiter struct {
	seq  uint64
	wake chan struct{}
}

func (w *waiters) add(seq uint64, wake chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, waiter{seq, wake})
}

func (w *waiters) remove(wake chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = slices.DeleteFunc(w.list, func(x waiter) bool { return x.wake == wake })
}

// reached lets go of whoever waits for seq or an earlier one.
func (w *waiters) reached(seq uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = slices.DeleteFunc(w.list, func(x waiter) bool {
		if x.seq <= seq {
			signal(x.wake)
		}
		return x.seq <= seq
	})
}

// Wait returns once the event with this sequence is applied and can be read.
// It returns ctx's cause when that ends first, and Halted's error when the
// sequence will not be applied.
func (h *Hub) Wait(ctx context.Context, seq uint64) error {
	wake := make(chan struct{}, 1)
	h.waiters.add(seq, wake)
	defer h.waiters.remove(wake)
	for h.Cursor().Seq < seq {
		if err := h.Halted(); err != nil {
			return err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// all wakes everybody to look for themselves.
func (w *waiters) all() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, x := range w.list {
		signal(x.wake)
	}
}
