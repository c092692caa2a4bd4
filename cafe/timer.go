package cafe

import (
	"strconv"
	"strings"
	"time"

	"everything.local/event"
)

// What timers are for.
const (
	timerAccept     = "accept"
	timerPickup     = "pickup"
	timerAnnounce   = "announce"
	timerUnannounce = "unannounce"
)

// newTimer is a timer set by the event seq.
func newTimer(what, of string, seq uint64, due string) Timer {
	return Timer{ID: what + "." + of + "." + strconv.FormatUint(seq, 10), What: what, Of: of, Due: due}
}

func (t Timer) show(c *changes) { c.set(event.Timers, t.ID, encode(t)) }

// subject is the aggregate that t is about.
func (t Timer) subject() event.Subject {
	switch t.What {
	case timerAccept, timerPickup:
		return known(event.KindOrder, t.Of)
	case timerAnnounce, timerUnannounce:
		return known(event.KindAnnouncement, t.Of)
	}
	return event.Subject{}
}

// setBy is the event that set the timer, 0 if it is not in t's ID.
func (t Timer) setBy() uint64 {
	seq, err := strconv.ParseUint(t.ID[strings.LastIndexByte(t.ID, '.')+1:], 10, 64)
	if err != nil {
		return 0
	}
	return seq
}

// elapse decides what comes of a timer. What it timed may have moved on, then
// nothing does. A timer that fires early, or on a hub that has not read yet
// what set it, gets an error, so that it fires again: dropping it would leave
// an order waiting for ever.
func (d decision) elapse(c Elapse) ([]event.Write, error) {
	if c.Timer.setBy() > d.s.seq {
		return nil, event.Errorf(event.Behind, "this hub has not read the event that set the timer %s; fire it again", event.Quote(c.Timer.ID))
	}
	set, ok := d.s.timer(c.Timer.subject())
	if !ok || set.ID != c.Timer.ID {
		return nil, nil
	}
	if due, err := event.ParseTime(set.Due); err != nil || d.at.Before(due) {
		return nil, event.Errorf(event.Conflict, "the timer %s is due at %s, not before; fire it again then", set.ID, set.Due)
	}
	switch set.What {
	case timerAccept:
		return d.write(set.subject(), typeOrderCancelled, orderCancelledV1{NotAccepted}), nil
	case timerPickup:
		return d.write(set.subject(), typeOrderCancelled, orderCancelledV1{NotPickedUp}), nil
	case timerAnnounce:
		return d.startAnnouncement(d.s.announcements[set.Of]), nil
	default:
		return d.write(set.subject(), typeAnnouncementEnded, announcementEndedV1{Expired}), nil
	}
}

// timer returns what the clock waits for with the subject. There is at most
// one timer for each.
func (s *State) timer(sub event.Subject) (Timer, bool) {
	var t Timer
	switch sub.Kind {
	case event.KindOrder:
		if o, ok := s.orders[sub.ID]; ok {
			t = o.timer()
		}
	case event.KindAnnouncement:
		if a, ok := s.announcements[sub.ID]; ok {
			t = a.timer()
		}
	}
	return t, t.ID != ""
}

// maxWithin bounds what a policy may grant: longer than any order lives.
const maxWithin = 7 * 24 * time.Hour

// after returns from + within in the log's form; within takes the default when
// it is not positive.
func after(from time.Time, within, otherwise time.Duration) string {
	if within <= 0 {
		within = otherwise
	}
	return event.FormatTime(from.Add(min(within, maxWithin)))
}
