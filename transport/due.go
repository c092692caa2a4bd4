package transport

import (
	"container/heap"
	"time"
)

// dues are sessions by when they are to be served at the latest.
type dues struct{ heap dueHeap }

// set says when s is due.
func (d *dues) set(s *Session, at time.Time) {
	p := &s.place
	switch {
	case p.slot == 0:
		p.at = at
		heap.Push(&d.heap, s)
	case !p.at.Equal(at):
		p.at = at
		heap.Fix(&d.heap, p.slot-1)
	}
}

func (d *dues) remove(s *Session) {
	if s.place.slot > 0 {
		heap.Remove(&d.heap, s.place.slot-1)
	}
}

// first returns when the first one is due.
func (d *dues) first() (at time.Time, ok bool) {
	if len(d.heap) == 0 {
		return time.Time{}, false
	}
	return d.heap[0].place.at, true
}

// pop takes out one that is due, nil if nobody is.
func (d *dues) pop(now time.Time) *Session {
	if at, ok := d.first(); !ok || now.Before(at) {
		return nil
	}
	return heap.Pop(&d.heap).(*Session)
}

// dueHeap is a heap.Interface. Sessions know their place in it, counted from 1.
type dueHeap []*Session

// Len and the others implement heap.Interface.
func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].place.at.Before(h[j].place.at) }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place.slot, h[j].place.slot = i+1, j+1
}

// Push implements heap.Interface.
func (h *dueHeap) Push(x any) {
	s := x.(*Session)
	*h = append(*h, s)
	s.place.slot = len(*h)
}

// Pop implements heap.Interface.
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	s.place.slot = 0
	return s
}
