package hub

import (
	"slices"
	"sync/atomic"
	"time"

	"everything.local/event"
)

// Request is what somebody wants to follow.
type Request struct {
	// Positions are 1 to event.MaxTopics topics, no topic twice.
	Positions []event.Position
	Encoding  Encoding
	// Waker is called when Next may have something, once from within Subscribe.
	// If it is nil, Subscription.Wake is for that.
	Waker Waker
}

// Subscription is one reader of some topics. It belongs to one goroutine,
// which calls everything but receives from Wake as it likes:
//
//	for {
//		for b := sub.Next(); len(b) > 0; b = sub.Next() {
//			write(b)
//		}
//		select {
//		case <-sub.Wake():
//		case now := <-heartbeat:
//			write(sub.Ping(now))
//		case <-ctx.Done():
//			return
//		}
//	}
type Subscription struct {
	hub      *Hub
	encoding Encoding
	waker    Waker
	bell     bell // waker, where the request had none
	feeds    []feed
	since    time.Time
	// behind wakes the reader when it is time to say so.
	behind *time.Timer

	// given are the positions asked for, until they are looked at.
	given []event.Position
	// life is the hub's when the positions were looked at, 0 before.
	life uint64
	// committed is up to where all topics are sent; 0 for nothing.
	committed uint64
	// turn is the feed whose turn it is in the batch that ends at goal; dirty
	// says that frames were sent that a frame of its own has to commit.
	inBatch, dirty bool
	turn           int
	goal           uint64
	// owesLive says that the reader is to be told when it has caught up, told
	// what it was told about being stale since it was last live.
	owesLive bool
	told     staleness

	// drained says that the last Next left nothing, frames how many there were
	// in what was returned last.
	drained bool
	frames  int
	// handed is up to where everything was handed out, for lag.
	handed atomic.Uint64
	// chunk is what Next composed, small what Ping and Frame did.
	chunk *chunk
	small []byte
}

// Subscribe begins a subscription; Close ends it. Positions without a cursor
// begin with a snapshot. Errors are *event.Error.
func (h *Hub) Subscribe(r Request) (*Subscription, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	s := &Subscription{
		hub: h, encoding: r.Encoding, waker: r.Waker,
		feeds: make([]feed, len(r.Positions)), since: time.Now(),
		given: slices.Clone(r.Positions),
	}
	if s.waker == nil {
		s.bell = newBell()
		s.waker = s.bell
	}
	s.waker.Wake()
	format := formatOf(r.Encoding, len(r.Positions))

	h.mu.Lock()
	defer h.mu.Unlock()
	h.subs[s] = struct{}{}
	s.handed.Store(h.applied) // until it is looked at where it is
	for i, p := range r.Positions {
		f := &s.feeds[i]
		f.topic = h.topic(p.Topic)
		f.waker = s.waker
		f.topic.follow(&f.follower)
		f.stream = f.topic.join(r.Encoding, format)
	}
	if s.waits() {
		s.behind = time.AfterFunc(behindAfter, s.waker.Wake)
	}
	return s, nil
}

func (r Request) check() error {
	switch n := len(r.Positions); {
	case n == 0:
		return event.Errorf(event.Invalid, "name the topics to follow")
	case n > event.MaxTopics:
		return event.Errorf(event.TooManyTopics, "a subscription may have %d topics, this one names %d", event.MaxTopics, n)
	}
	for i, p := range r.Positions {
		if p.Topic == event.Timers {
			return event.Errorf(event.UnknownTopic, "the topic %s is not for followers", p.Topic)
		}
		for _, q := range r.Positions[:i] {
			if p.Topic == q.Topic {
				return event.Errorf(event.Invalid, "the topic %s is named twice", p.Topic)
			}
		}
	}
	return nil
}

// Wake receives when Next may have something. It has received once when the
// subscription begins. It never does if the request had a Waker.
func (s *Subscription) Wake() <-chan struct{} { return s.bell }

// Close ends the subscription; nothing may be called after it but Close.
func (s *Subscription) Close() {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.subs[s]; !ok {
		return
	}
	delete(h.subs, s)
	for i := range s.feeds {
		f := &s.feeds[i]
		f.topic.unfollow(&f.follower)
		f.topic.leave(f.stream)
		if f.topic.blank() {
			delete(h.topics, f.topic.name)
		}
	}
	h.waiters.remove(s.waker)
	if s.behind != nil {
		s.behind.Stop()
	}
	s.Release()
}

// waits looks at the positions if it can, and reports whether the hub has yet
// to reach them; h.mu is held.
func (s *Subscription) waits() bool {
	h := s.hub
	if !h.serving() {
		return true
	}
	if s.life != h.life {
		s.begin()
	}
	for i := range s.feeds {
		if s.feeds[i].sent > h.applied {
			return true
		}
	}
	return false
}

// begin takes the positions given, or none in a new life of the log.
func (s *Subscription) begin() {
	h := s.hub
	s.life, s.owesLive, s.inBatch, s.dirty = h.life, true, false, false
	for i := range s.feeds {
		f := &s.feeds[i]
		if s.given == nil || s.given[i].Cursor.IsZero() || s.given[i].Cursor.Epoch != h.epoch {
			f.reset()
			continue
		}
		f.resume(s.given[i].Cursor.Seq)
		if f.sent > h.applied {
			h.waiters.add(f.sent, s.waker)
		}
	}
	s.committed = s.common()
	s.given = nil
}

// common is the position of all topics if they have the same, so that pings
// may repeat it; otherwise nothing is committed before the first batch ends.
func (s *Subscription) common() uint64 {
	seq := s.feeds[0].sent
	for i := range s.feeds {
		if s.feeds[i].sent != seq || s.feeds[i].resetDue {
			return 0
		}
	}
	return seq
}
