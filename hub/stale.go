package hub

import (
	"time"

	"everything.local/event"
)

// behindAfter is how long a subscriber waits for a hub that has not reached
// its position before it is told that what it shows is stale.
const behindAfter = 2 * time.Second

// staleness is why what feeds show may be old; the zero value says that it is
// not.
type staleness struct {
	since time.Time
	why   event.StaleReason
}

// SetStale tells every feed that what it shows may be old, now and with every
// ping, until ClearStale. Another reason replaces the one before but not the
// time since when.
func (h *Hub) SetStale(why event.StaleReason) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.outage.why == why {
		return
	}
	if h.outage.since.IsZero() {
		h.outage.since = time.Now()
	}
	h.outage.why = why
	h.wakeAll()
}

// ClearStale takes back SetStale: feeds that have caught up are live again. A
// halted hub stays stale.
func (h *Hub) ClearStale() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.outage == (staleness{}) {
		return
	}
	h.outage = staleness{}
	h.wakeAll()
}

// wakeAll wakes every subscriber; h.mu is held.
func (h *Hub) wakeAll() {
	for s := range h.subs {
		s.waker.Wake()
	}
}

// staleNow is what holds for every feed; h.mu is held. A halt outweighs what
// the log's health says.
func (h *Hub) staleNow() staleness {
	if h.halt != (staleness{}) {
		return h.halt
	}
	return h.outage
}

// haltError is why Run stopped applying events.
type haltError struct{ err error }

// Halted returns why the hub does not follow the log any more, or nil. It
// stays so until the program is replaced or the log repaired: commands must
// stop, and feeds are stale.
func (h *Hub) Halted() error {
	if e := h.halted.Load(); e != nil {
		return e.err
	}
	return nil
}

// haltWith stops the hub before the event that err is about.
func (h *Hub) haltWith(err error) {
	why := event.LogUnreadable
	if h.cfg.Halt(err) {
		why = event.HubTooOld
	}
	h.cfg.Logger.Error("the hub cannot follow the log any further",
		"why", string(why), "after", h.Cursor().Seq, "error", err)
	h.mu.Lock()
	h.halt = staleness{time.Now(), why}
	h.halted.Store(&haltError{err})
	h.wakeAll()
	h.mu.Unlock()
	h.waiters.all()
}
