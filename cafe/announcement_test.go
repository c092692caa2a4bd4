package cafe

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"everything.local/event"
)

func (w *world) post(c PostAnnouncement) string {
	w.t.Helper()
	w.must(c, boss)
	return w.log[len(w.log)-1].Subject.ID
}

func TestAnnouncementIsPostedAndWithdrawn(t *testing.T) {
	w := newCafe(t)
	id := w.post(PostAnnouncement{Text: " Cake <now>! "})
	want := Announcement{ID: id, Text: "Cake <now>!", From: event.FormatTime(w.now)}
	if diff := cmp.Diff(map[string]string{id: string(encode(want))}, w.topics.live(event.Announcements)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Announcement{want}, w.s.Announcements()); diff != "" {
		t.Error(diff)
	}
	w.must(WithdrawAnnouncement{id}, boss)
	if left := w.topics.live(event.Announcements); len(left)+len(w.s.Announcements()) > 0 {
		t.Errorf("still there: %v", left)
	}
	w.refused(WithdrawAnnouncement{id}, boss, event.NotFound, "")
	w.refused(WithdrawAnnouncement{"log.>"}, boss, event.NotFound, "")
}

func TestAnnouncementComesAndGoesByTheClock(t *testing.T) {
	w := newCafe(t)
	from, until := w.now.Add(time.Hour), w.now.Add(2*time.Hour)
	id := w.post(PostAnnouncement{Text: "Happy hour", From: from, Until: until})
	if left := w.topics.live(event.Announcements); len(left) > 0 {
		t.Errorf("shown too early: %v", left)
	}
	start := w.timers()[0]
	if start.What != "announce" || start.Of != id || start.Due != event.FormatTime(from) {
		t.Errorf("the timer is %+v", start)
	}
	w.now = from
	w.must(Elapse{start}, clock)
	if len(w.topics.live(event.Announcements)) != 1 {
		t.Error("not shown when its time has come")
	}
	end := w.timers()[0]
	if end.What != "unannounce" || end.Of != id || end.Due != event.FormatTime(until) {
		t.Errorf("the timer is %+v", end)
	}
	w.now = until
	w.must(Elapse{end}, clock)
	if left := w.topics.live(event.Announcements); len(left)+len(w.timers()) > 0 {
		t.Errorf("still there: %v, %v", left, w.timers())
	}
}

// A hub that was off over the whole time does not show it afterwards.
func TestAnnouncementThatWasMissedIsNotShown(t *testing.T) {
	w := newCafe(t)
	w.post(PostAnnouncement{Text: "Happy hour", From: w.now.Add(time.Hour), Until: w.now.Add(2 * time.Hour)})
	start := w.timers()[0]
	w.now = w.now.Add(3 * time.Hour)
	w.must(Elapse{start}, clock)
	for _, e := range w.changed[len(w.changed)-1] {
		if e.Topic == event.Announcements {
			t.Errorf("it flashes: %s", e.Value)
		}
	}
	if e := w.log[len(w.log)-1]; e.Type != typeAnnouncementEnded || len(w.timers()) > 0 {
		t.Errorf("%s, timers %v", e.Type, w.timers())
	}
}

func TestScheduledAnnouncementIsWithdrawn(t *testing.T) {
	w := newCafe(t)
	id := w.post(PostAnnouncement{Text: "Happy hour", From: w.now.Add(time.Hour)})
	w.must(WithdrawAnnouncement{id}, boss)
	if len(w.timers()) > 0 {
		t.Errorf("timers are left: %v", w.timers())
	}
}

func TestAnnouncementsAreRefused(t *testing.T) {
	w := newCafe(t)
	w.refused(PostAnnouncement{}, boss, event.BadText, "text")
	w.refused(PostAnnouncement{Text: "\u200b "}, boss, event.BadText, "text")
	w.refused(PostAnnouncement{Text: strings.Repeat("x", 281)}, boss, event.BadText, "text")
	w.refused(PostAnnouncement{Text: "a\tb"}, boss, event.BadText, "text")
	w.refused(PostAnnouncement{Text: "a", Until: w.now}, boss, event.Invalid, "until")
	w.refused(PostAnnouncement{Text: "a", From: w.now.Add(time.Hour), Until: w.now.Add(time.Hour)}, boss, event.Invalid, "until")
	w.refused(PostAnnouncement{Text: "a", From: w.now.AddDate(2, 0, 0)}, boss, event.Invalid, "from")
	w.refused(PostAnnouncement{Text: "a", Until: w.now.AddDate(9000, 0, 0)}, boss, event.Invalid, "until")
}

func TestAnnouncementsAreBounded(t *testing.T) {
	w := newWorld(t)
	w.quick = true
	for i := range maxAnnouncements - 1 {
		w.post(PostAnnouncement{Text: fmt.Sprint("number ", i), From: w.now.Add(time.Duration(i%2) * time.Hour)})
	}
	// Two hubs post the last one at the same time: the second is over at once.
	over := PostAnnouncement{Text: "one too many"}
	m := w.meta(boss, "over")
	writes, err := Decide(w.s, over, m)
	if err != nil {
		t.Fatal(err)
	}
	last := w.post(PostAnnouncement{Text: "the last"})
	w.append(over, m, writes[0])
	if n := len(w.changed[len(w.changed)-1]); n > 0 || len(w.s.announcements) != maxAnnouncements {
		t.Errorf("one too many changes %d entries; there are %d", n, len(w.s.announcements))
	}
	w.refused(over, boss, event.Conflict, "")
	w.refused(WithdrawAnnouncement{writes[0].Subject.ID}, boss, event.NotFound, "")
	w.must(WithdrawAnnouncement{last}, boss)
	w.must(over, boss)
}

func TestEndedAnnouncementsAreRememberedForAWhile(t *testing.T) {
	w := newWorld(t)
	w.quick = true
	before := len(w.s.aggregates)
	var first event.Event
	for i := range endedKept + 1 {
		id := w.post(PostAnnouncement{Text: "hello"})
		w.must(WithdrawAnnouncement{id}, boss)
		e := w.log[len(w.log)-1]
		if _, found, err := w.s.Answered(e.Subject, e.Command); !found || err != nil {
			t.Fatalf("the withdrawal is not remembered: %v", err)
		}
		if i == 0 {
			first = e
		}
	}
	if _, found, _ := w.s.Answered(first.Subject, first.Command); found || len(w.s.aggregates) != before+endedKept {
		t.Errorf("%d more aggregates are remembered", len(w.s.aggregates)-before)
	}
}
