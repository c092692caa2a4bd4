package hub

import (
	"context"
	"slices"
	"sync"
)

// waiters are woken once a sequence is applied.
type waiters struct {
	mu   sync.Mutex
	list []waiter
}

type waiter struct {
	seq   uint64
	waker Waker
}

func (w *waiters) add(seq uint64, who Waker) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, waiter{seq, who})
}

func (w *waiters) remove(who Waker) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = slices.DeleteFunc(w.list, func(x waiter) bool { return x.waker == who })
}

// reached lets go of whoever waits for seq or an earlier one.
func (w *waiters) reached(seq uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = slices.DeleteFunc(w.list, func(x waiter) bool {
		if x.seq <= seq {
			x.waker.Wake()
		}
		return x.seq <= seq
	})
}

// Wait returns once the event with this sequence is applied and can be read.
// It returns ctx's cause when that ends first, and Halted's error when the
// sequence will not be applied.
func (h *Hub) Wait(ctx context.Context, seq uint64) error {
	woken := newBell()
	h.waiters.add(seq, woken)
	defer h.waiters.remove(woken)
	for h.Cursor().Seq < seq {
		if err := h.Halted(); err != nil {
			return err
		}
		select {
		case <-woken:
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
		x.waker.Wake()
	}
}
