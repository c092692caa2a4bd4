package hub

import "math"

// Lag is how far the subscriptions of one encoding are behind what is applied:
// what they have not been handed, not what is under way to their clients.
type Lag struct {
	// Behind is how many have anything to be handed.
	Behind int
	// Events is the sum of what those are behind, Most the largest of it. Each is
	// behind by the events since the oldest state that it has not been handed,
	// and while it catches up with several topics that may say too much.
	Events, Most uint64
}

// Lags returns how far the subscriptions are behind, by the names of their
// encodings. It looks at each by itself, so that what is applied meanwhile does
// not wait for all of them.
func (h *Hub) Lags() map[string]Lag {
	h.mu.RLock()
	subs := make([]*Subscription, 0, len(h.subs))
	for s := range h.subs {
		subs = append(subs, s)
	}
	h.mu.RUnlock()
	lags := make(map[string]Lag)
	for _, s := range subs {
		l := lags[s.encoding.Name()]
		if n := s.lag(); n > 0 {
			l.Behind++
			l.Events += n
			l.Most = max(l.Most, n)
		}
		lags[s.encoding.Name()] = l
	}
	return lags
}

// lag is how many events the subscription is behind. It may be called by
// anybody: it reads nothing of the subscription but what never changes and what
// it is told by note.
func (s *Subscription) lag() uint64 {
	h := s.hub
	h.mu.RLock()
	defer h.mu.RUnlock()
	if _, open := h.subs[s]; !open || !h.serving() {
		return 0
	}
	at := s.handed.Load()
	oldest := uint64(math.MaxUint64)
	for i := range s.feeds {
		t := s.feeds[i].topic
		if t.newest() <= at {
			continue
		}
		w := t.changed(mark{seq: at}, at)
		if it := w.next(); it != nil {
			oldest = min(oldest, it.seq)
		}
	}
	if oldest > h.applied {
		return 0
	}
	return h.applied - oldest + 1
}

// note tells lag up to where everything was handed out.
func (s *Subscription) note() {
	at := uint64(math.MaxUint64)
	for i := range s.feeds {
		f := &s.feeds[i]
		sent := f.sent
		if f.reading {
			sent = max(sent, f.done.whole())
		}
		at = min(at, sent)
	}
	s.handed.Store(at)
}
