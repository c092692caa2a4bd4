package transporttest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"everything.local/event"
	"everything.local/transport"
)

func snapshotThenLive(t *testing.T, way Way) {
	w := newWorld(t, way, setup{})
	w.happen(put(event.Board, "41", 1), put(event.Board, "42", 2))
	w.happen(put(event.Menu, "latte", 3), gone(event.Board, "41"))

	f := newFollower(event.Board, event.Menu)
	ask, _ := f.byTopic()
	s := w.follow(w.client(), ask)
	frames := untilLive(t, s, f)
	if fr := frames[0]; !fr.Reset {
		t.Errorf("the first frame is %s, not a reset", fr.Raw)
	}
	for _, fr := range frames {
		if fr.Key != "" && fr.Cursor != "" {
			t.Errorf("snapshot entry with a cursor: %s", fr.Raw)
		}
	}
	w.holds(f)

	at := w.happen(put(event.Board, "43", 4), gone(event.Board, "42"), put(event.Menu, "latte", 5))
	untilAt(t, s, f, at)
	w.holds(f)
}

// five is an event of five entries on two topics, one of them a tombstone, on
// keys that are round's own but for one.
func five(round int) []change {
	key := func(s string) string { return fmt.Sprintf("%s%d", s, round) }
	return []change{
		put(event.Board, key("a"), round), put(event.Board, key("b"), round), gone(event.Board, key("z")),
		put(event.Menu, key("c"), round), put(event.Menu, "same", round),
	}
}

func cutAndResumeByPositions(t *testing.T, way Way) {
	cutAndResume(t, way, (*follower).byTopic)
}

func cutAndResumeByCursor(t *testing.T, way Way) {
	cutAndResume(t, way, (*follower).byCursor)
}

// cutAndResume cuts a feed after its first frame, then another one after its
// second, and so on through snapshot and live events. Each is resumed, with and
// without something having happened in between, and must end up with what the
// hub has. That nothing committed comes twice is among the follower's rules.
func cutAndResume(t *testing.T, way Way, how func(*follower) (Ask, map[event.Topic]event.Cursor)) {
	w := newWorld(t, way, setup{})
	c := w.client()
	w.happen(put(event.Board, "41", 1), put(event.Menu, "latte", 1))
	round := 0
	for cut := 1; ; cut++ {
		round++
		w.happen(put(event.Board, fmt.Sprint("z", round), 0), put(event.Board, fmt.Sprint("z", round+1), 0))
		f := newFollower(event.Board, event.Menu)
		reached := w.playAndCut(c, f, cut, round)
		for _, missed := range []int{0, 1} {
			g := f.clone()
			if missed > 0 {
				round++
				w.happen(five(round)...)
			}
			w.resume(c, g, how)
		}
		if !reached {
			return // the cut lies behind the last frame
		}
		w.tidy()
	}
}

// playAndCut follows from the start, through a snapshot, an event of five
// entries and one more, and leaves after cut frames. It reports whether there
// were that many.
func (w *world) playAndCut(c Client, f *follower, cut, round int) bool {
	w.t.Helper()
	ask, _ := f.byTopic()
	s := w.follow(c, ask)
	defer s.Close()
	happened := 0
	var at event.Cursor
	for range cut {
		if f.Live && f.Whole.Seq >= at.Seq {
			switch happened++; happened {
			case 1:
				at = w.happen(five(round)...)
			case 2:
				at = w.happen(put(event.Menu, "latte", round))
			default:
				return false
			}
		}
		next(w.t, s, f)
	}
	return true
}

// resume follows on from where f is, until it has all there is.
func (w *world) resume(c Client, f *follower, how func(*follower) (Ask, map[event.Topic]event.Cursor)) {
	w.t.Helper()
	ask, from := how(f)
	f.connect(from)
	s := w.follow(c, ask)
	defer s.Close()
	untilLive(w.t, s, f)
	if f.Whole.Seq < w.hub.Cursor().Seq {
		untilAt(w.t, s, f, w.hub.Cursor())
	}
	w.holds(f)
}

// tidy empties the topics but for a few entries, so that snapshots stay small.
func (w *world) tidy() {
	w.t.Helper()
	var changes []change
	for _, topic := range []event.Topic{event.Board, event.Menu} {
		for _, e := range w.hub.Entries(topic) {
			if !slices.Contains([]string{"41", "latte", "same"}, e.Key) {
				changes = append(changes, gone(topic, e.Key))
			}
		}
	}
	w.happen(changes...)
}

// resumeByLastEventID is EventSource: it reconnects to the URL it began with,
// which has old positions in it.
func resumeByLastEventID(t *testing.T, way Way) {
	w := newWorld(t, way, setup{})
	c := w.client()
	old := w.happen(put(event.Board, "41", 1), put(event.Menu, "latte", 1))
	at := w.happen(put(event.Board, "42", 2))
	w.happen(put(event.Board, "43", 3))
	f := newFollower(event.Board, event.Menu)
	for _, topic := range f.Topics {
		f.State[topic] = make(map[string]held)
	}
	f.connect(map[event.Topic]event.Cursor{event.Board: at, event.Menu: at})
	s := w.follow(c, Ask{Topics: "board@" + old.String() + ",menu", After: old.String(), LastEventID: at.String()})
	untilLive(t, s, f)
	if want := []string{fmt.Sprintf("board/43@%d", at.Seq+1)}; !slices.Equal(f.Log, want) {
		t.Errorf("got %v, want %v", f.Log, want)
	}
}

func topicAdded(t *testing.T, way Way) {
	w := newWorld(t, way, setup{})
	c := w.client()
	w.happen(put(event.Board, "41", 1), put(event.Menu, "latte", 2))
	f := newFollower(event.Board)
	ask, _ := f.byTopic()
	s := w.follow(c, ask)
	untilLive(t, s, f)
	s.Close()

	f.Topics = append(f.Topics, event.Menu)
	ask, from := f.byTopic()
	f.connect(from)
	for _, fr := range untilLive(t, w.follow(c, ask), f) {
		if fr.Topic == event.Board {
			t.Errorf("the topic that was held already is sent again: %s", fr.Raw)
		}
	}
	w.holds(f)
}

func foreignEpoch(t *testing.T, way Way) {
	w := newWorld(t, way, setup{})
	w.happen(put(event.Board, "41", 1), put(event.Menu, "latte", 2))
	for _, ask := range []Ask{
		{Topics: "board,menu", After: "other.1"},
		{Topics: "board,menu", After: "other.999999"},
		{Topics: "board@other.2,menu@other.7"},
		{Topics: "board,menu", LastEventID: "other.2"},
	} {
		f := newFollower(event.Board, event.Menu)
		f.connect(nil) // whatever was asked, both must begin with a reset
		s := w.follow(w.client(), ask)
		untilLive(t, s, f)
		s.Close()
		w.holds(f)
	}
}

func belowFloor(t *testing.T, way Way) {
	w := newWorld(t, way, setup{})
	before := w.happen(put(event.Board, "stays", 1), put(event.Menu, "latte", 1))
	// More tombstones than the hub keeps of a topic.
	const many = 1100
	var come, leave []change
	for i := range many {
		come = append(come, put(event.Board, fmt.Sprint(i), i))
		leave = append(leave, gone(event.Board, fmt.Sprint(i)))
	}
	w.happen(come...)
	for part := range slices.Chunk(leave, 10) {
		w.happen(part...)
	}
	f := newFollower(event.Board, event.Menu)
	f.State[event.Board] = map[string]held{"void": {1, "{}"}}
	f.State[event.Menu] = make(map[string]held)
	f.connect(map[event.Topic]event.Cursor{event.Board: before, event.Menu: before})
	s := w.follow(w.client(), Ask{Topics: "board,menu", After: before.String()})
	for _, fr := range untilLive(t, s, f) {
		if fr.Topic == event.Menu {
			t.Errorf("the topic without a floor is sent again: %s", fr.Raw)
		}
	}
	if !f.reset[event.Board] {
		t.Error("no reset for a position below the floor")
	}
	f.State[event.Menu] = map[string]held{"latte": {before.Seq, `{"n":1}`}}
	w.holds(f)
}

// emptyTopic follows a topic that nothing was ever in.
func emptyTopic(t *testing.T, way Way) {
	w := newWorld(t, way, setup{})
	f := newFollower(event.Announcements)
	ask, _ := f.byTopic()
	s := w.follow(w.client(), ask)
	untilLive(t, s, f)
	at := w.happen(put(event.Announcements, "closing", 1))
	untilAt(t, s, f, at)
	w.holds(f)
}

// counted: what the metrics say is what happened.
func counted(t *testing.T, way Way) {
	w := newWorld(t, way, setup{})
	w.happen(put(event.Board, "41", 1), put(event.Menu, "latte", 2))
	f := newFollower(event.Board, event.Menu)
	var bytes uint64
	for i := range 3 {
		ask, from := f.byTopic()
		ask.Token = barista
		f.connect(from)
		s := w.follow(w.client(), ask)
		frames := untilLive(t, s, f)
		frames = append(frames, untilAt(t, s, f, w.happen(put(event.Menu, "latte", i)))...)
		for _, fr := range frames {
			bytes += uint64(len(way.encoding().AppendFrame(nil, []byte(fr.Raw), fr.ID)))
		}
		if open := w.feed.Stats()[way.name()].Open; open != 1 {
			t.Errorf("%d feeds are open", open)
		}
		s.Close()
		w.awaitEnd(barista)
	}
	want := transport.WireStats{Fresh: 1, Resumed: 2, Bytes: bytes, Closed: map[transport.Reason]uint64{transport.ClientGone: 3}}
	got := w.feed.Stats()[way.name()]
	if got.Sends.Sum != bytes {
		t.Errorf("%d bytes in all times of sending, want %d", got.Sends.Sum, bytes)
	}
	got.Sends, got.Frames = transport.Distribution{}, transport.Distribution{} // how many at a time is a matter of time
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
