package transporttest

import (
	"fmt"
	"testing"
	"time"

	"everything.local/event"
	"everything.local/transport"
)

// bulk is n changes of about size bytes each.
func bulk(topic event.Topic, n, size, round int) []change {
	changes := make([]change, n)
	for i := range changes {
		changes[i] = put(topic, fmt.Sprint("bulk", i), round)
		changes[i].Size = size
	}
	return changes
}

// slowReader has a line of 205 bytes a second, on which a chunk takes longer
// than the stall timeout. It is never cut, and ends up with what the hub has.
func slowReader(t *testing.T, way Way) {
	w := newWorld(t, way, setup{pipes: true})
	f := newFollower(event.Menu, event.Board)
	ask, _ := f.byTopic()
	s := w.follow(w.client(), ask)
	untilLive(t, s, f)
	w.pace.Store(crawling)
	start := time.Now()
	var at event.Cursor
	for round := range 5 {
		at = w.happen(bulk(event.Menu, 40, 1<<10, round)...)
	}
	untilAt(t, s, f, at)
	w.holds(f)
	if took := time.Since(start); took < 4*transport.DefaultStallTimeout {
		t.Errorf("it took %v: not slow enough to mean anything", took)
	}
	w.pace.Store(unhindered)
	w.closedFor(transport.Stalled, 0)
}

// stalledReader takes nothing any more.
func stalledReader(t *testing.T, way Way) {
	w := newWorld(t, way, setup{pipes: true})
	f := newFollower(event.Menu)
	s := w.follow(w.client(), Ask{Topics: "menu", Token: barista})
	untilLive(t, s, f)
	w.pace.Store(stuck)
	start := time.Now()
	for round := range 5 {
		w.happen(bulk(event.Menu, 40, 1<<10, round)...)
	}
	w.awaitEnd(barista)
	if took := time.Since(start); took < transport.DefaultStallTimeout || took > 2*transport.DefaultStallTimeout {
		t.Errorf("closed after %v, want about %v", took, transport.DefaultStallTimeout)
	}
	w.closedFor(transport.Stalled, 1)
}

// soon is a stall timeout that a test can wait for, and that a busy machine
// does not reach by itself.
const soon = 2 * time.Second

// stalledOnSocket fills the kernel's buffers on both ends.
func stalledOnSocket(t *testing.T, way Way) {
	w := newWorld(t, way, setup{
		feed:   transport.FeedConfig{StallTimeout: soon},
		server: transport.ServerConfig{StallTimeout: soon},
	})
	c := w.client()
	f := newFollower(event.Menu)
	s := w.follow(c, Ask{Topics: "menu", Token: barista + "/stalled"})
	untilLive(t, s, f)
	for round := range 10 {
		w.happen(w.unlike(round)...)
	}
	w.awaitEnd(barista + "/stalled")
	w.closedFor(transport.Stalled, 1)
	s.Close()

	ask, from := f.byTopic()
	f.connect(from)
	untilLive(t, w.follow(c, ask), f)
	w.holds(f)
}

// unlike is 160 KiB under keys that are the round's own, so that nothing of it
// is conflated.
func (w *world) unlike(round int) []change {
	changes := bulk(event.Menu, 10, 16<<10, round)
	for i := range changes {
		changes[i].Key = fmt.Sprint(round, ".", i)
	}
	return changes
}

// oneStalledOfSeveral: the others, on HTTP/2 on the same connection, do not
// notice.
func oneStalledOfSeveral(t *testing.T, way Way) {
	w := newWorld(t, way, setup{pipes: true})
	c := w.client()
	stalled := w.follow(c, Ask{Topics: "menu", Token: barista + "/stalled"})
	untilLive(t, stalled, newFollower(event.Menu))
	var streams []Stream
	var followers []*follower
	for range 3 {
		f := newFollower(event.Menu)
		s := w.follow(c, Ask{Topics: "menu"})
		untilLive(t, s, f)
		streams, followers = append(streams, s), append(followers, f)
	}
	start := time.Now()
	for round := range 10 {
		at := w.happen(w.unlike(round)...)
		for i, s := range streams {
			untilAt(t, s, followers[i], at)
		}
	}
	var patience time.Duration
	if way.QUIC {
		patience = time.Second // acknowledgements may be late (RFC 9000, section 13.2.1)
	}
	if took := time.Since(start); took > patience {
		t.Errorf("the others were held up for %v", took)
	}
	w.awaitEnd(barista + "/stalled")
	w.closedFor(transport.Stalled, 1)
	at := w.happen(put(event.Menu, "latte", 1))
	for i, s := range streams {
		untilAt(t, s, followers[i], at)
		w.holds(followers[i])
	}
}

// conflated: who does not read for a while is not sent what is superseded by
// then, and always what is not.
func conflated(t *testing.T, way Way) {
	w := newWorld(t, way, setup{})
	f := newFollower(event.Menu)
	s := w.follow(w.client(), Ask{Topics: "menu"})
	untilLive(t, s, f)
	const rounds, keys = 100, 10
	var at event.Cursor
	for round := range rounds {
		at = w.happen(bulk(event.Menu, keys, 4<<10, round)...)
	}
	untilAt(t, s, f, at)
	w.holds(f)
	if len(f.Log) > rounds*keys/2 {
		t.Errorf("got %d entries of %d that were superseded but for %d", len(f.Log), rounds*keys, keys)
	}
}
