package cafe

import (
	"slices"
	"time"

	"everything.local/event"
)

const (
	// maxAnnouncements bounds those in force or scheduled: more than that
	// nobody reads.
	maxAnnouncements = 50
	// endedKept bounds the ended announcements whose commands are remembered.
	endedKept = 256
	// farthest bounds how far ahead an announcement may be planned.
	farthest = 366 * 24 * time.Hour
)

// Why an announcement ended.
const (
	Expired   = "expired"
	Withdrawn = "withdrawn"
)

// announcement is one that is scheduled or in force.
type announcement struct {
	view Announcement
	// seq is the event that posted it, or put it in force when that was later.
	seq     uint64
	inForce bool
}

type announcementPostedV1 struct {
	ID    string `json:"id"`
	Text  string `json:"text"`
	From  string `json:"from"`
	Until string `json:"until,omitempty"`
}

type announcementStartedV1 struct{}

type announcementEndedV1 struct {
	Reason string `json:"reason"`
}

// timer is what the clock waits for: the beginning, then the end if there is
// one.
func (a *announcement) timer() Timer {
	switch {
	case !a.inForce:
		return newTimer(timerAnnounce, a.view.ID, a.seq, a.view.From)
	case a.view.Until != "":
		return newTimer(timerUnannounce, a.view.ID, a.seq, a.view.Until)
	}
	return Timer{}
}

func (d decision) postAnnouncement(c PostAnnouncement) ([]event.Write, error) {
	words, err := someText("text", c.Text, maxAnnouncement)
	if err != nil {
		return nil, err
	}
	from := later(d.at, c.From)
	until := c.Until.UTC().Truncate(time.Millisecond)
	to := Subject(c, d.m)
	switch {
	case from.Sub(d.at) > farthest:
		return nil, event.Errorf(event.Invalid, "this begins more than a year ahead; choose an earlier time").At("from")
	case !c.Until.IsZero() && !until.After(from):
		return nil, event.Errorf(event.Invalid, "this ends before it begins; choose a later end").At("until")
	case !c.Until.IsZero() && until.Sub(d.at) > 2*farthest:
		return nil, event.Errorf(event.Invalid, "this ends more than two years ahead; choose an earlier end or none").At("until")
	case d.s.last(to) != 0:
		return nil, event.Errorf(event.Conflict, "this announcement has been posted")
	case len(d.s.announcements) >= maxAnnouncements:
		return nil, event.Errorf(event.Conflict, "there are %d announcements already; withdraw one first", maxAnnouncements)
	}
	data := announcementPostedV1{ID: to.ID, Text: words, From: event.FormatTime(from)}
	if !c.Until.IsZero() {
		data.Until = event.FormatTime(until)
	}
	return d.write(to, typeAnnouncementPosted, data), nil
}

func (d decision) withdrawAnnouncement(c WithdrawAnnouncement) ([]event.Write, error) {
	if _, ok := d.s.announcements[c.Announcement]; !ok {
		return nil, event.Errorf(event.NotFound, "there is no announcement %s; it may have ended", event.Quote(c.Announcement))
	}
	return d.write(Subject(c, d.m), typeAnnouncementEnded, announcementEndedV1{Withdrawn}), nil
}

// startAnnouncement puts a scheduled announcement in force, unless its whole
// time passed while no hub ran.
func (d decision) startAnnouncement(a *announcement) []event.Write {
	to := known(event.KindAnnouncement, a.view.ID)
	if until, err := event.ParseTime(a.view.Until); err == nil && !d.at.Before(until) {
		return d.write(to, typeAnnouncementEnded, announcementEndedV1{Expired})
	}
	return d.write(to, typeAnnouncementStarted, announcementStartedV1{})
}

// announcementPosted holds the bound against posts decided at the same time on
// several hubs: one too many is over at once.
func (s *State) announcementPosted(c *changes, e event.Event, data announcementPostedV1) error {
	from, err := event.ParseTime(data.From)
	if err != nil {
		return err
	}
	if data.Until != "" {
		until, err := event.ParseTime(data.Until)
		if err != nil {
			return err
		}
		data.Until = event.FormatTime(until)
	}
	if data.ID != e.Subject.ID || s.last(e.Subject) != 0 {
		return errState
	}
	data.From = event.FormatTime(from)
	if len(s.announcements) >= maxAnnouncements {
		s.announcementOver(data.ID)
		return nil
	}
	a := &announcement{view: Announcement(data), seq: c.seq, inForce: !from.After(c.at)}
	s.announcements[data.ID] = a
	a.show(c)
	return nil
}

func (s *State) announcementStarted(c *changes, e event.Event, _ announcementStartedV1) error {
	a, ok := s.announcements[e.Subject.ID]
	if !ok || a.inForce {
		return errState
	}
	c.gone(event.Timers, a.timer().ID)
	a.inForce, a.seq = true, c.seq
	a.show(c)
	return nil
}

func (s *State) announcementEnded(c *changes, e event.Event, _ announcementEndedV1) error {
	a, ok := s.announcements[e.Subject.ID]
	if !ok {
		return errState
	}
	if t := a.timer(); t.ID != "" {
		c.gone(event.Timers, t.ID)
	}
	if a.inForce {
		c.gone(event.Announcements, a.view.ID)
	}
	delete(s.announcements, a.view.ID)
	s.announcementOver(a.view.ID)
	return nil
}

func (a *announcement) show(c *changes) {
	if a.inForce {
		c.set(event.Announcements, a.view.ID, encode(a.view))
	}
	if t := a.timer(); t.ID != "" {
		t.show(c)
	}
}

// announcementOver remembers the commands of an ended announcement for a while.
func (s *State) announcementOver(id string) {
	s.ended = append(s.ended, id)
	if len(s.ended) > endedKept {
		delete(s.aggregates, event.Subject{Kind: event.KindAnnouncement, ID: s.ended[0]})
		s.ended = slices.Delete(s.ended, 0, 1)
	}
}
