package hub

import "sync/atomic"

// counters are what subscriptions count.
type counters struct {
	frames, fromMap, fell atomic.Uint64
}

// totals are what Run counts, under Hub.mu.
type totals struct {
	events, encoded uint64
}

// Stats is what a hub has and has done since it was made, for metrics.
type Stats struct {
	// Applied is the newest event's sequence.
	Applied uint64
	// Events is how many events Run applied.
	Events uint64
	// Topics, Entries, Tombstones, Subscriptions and Rings are there now.
	Topics, Entries, Tombstones, Subscriptions, Rings int
	// Encoded is how many frames were encoded for rings, Frames how many were
	// handed to subscribers, FromMap how many of those were encoded for one
	// subscriber alone.
	Encoded, Frames, FromMap uint64
	// FellOff is how often a subscriber fell off a ring.
	FellOff uint64
}

// Stats returns the numbers of now.
func (h *Hub) Stats() Stats {
	h.mu.RLock()
	defer h.mu.RUnlock()
	s := Stats{
		Applied: h.applied, Events: h.totals.events,
		Topics: len(h.topics), Subscriptions: len(h.subs),
		Encoded: h.totals.encoded, Frames: h.counters.frames.Load(),
		FromMap: h.counters.fromMap.Load(), FellOff: h.counters.fell.Load(),
	}
	for _, t := range h.topics {
		s.Entries += t.present.count
		s.Tombstones += t.gone.count
		for _, st := range t.streams {
			if st.ring != nil {
				s.Rings++
			}
		}
	}
	return s
}
