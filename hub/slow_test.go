package hub

import (
	"fmt"
	"strings"
	"testing"

	"everything.local/event"
)

// TestSlowReaderGetsTheFinalState lets a reader fall far behind, in the midst
// of whatever it was reading, and looks that superseded states are skipped.
func TestSlowReaderGetsTheFinalState(t *testing.T) {
	for name, followers := range map[string]int{"from the map": 1, "from the ring": ringFrom} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			for range followers - 1 {
				drain(r.sub("a"))
			}
			c := newClient(t, r, true, "a")
			c.drain()
			r.put(set{"a", "k", "first"})
			c.drain()
			var last uint64
			const rounds = 4 * ringSegments
			for n := range rounds {
				last = r.put(set{"a", "k", fmt.Sprint(n) + strings.Repeat("v", segmentSize/2)})
			}
			frames := parse(t, []byte(drain(c.sub)))
			// One that fell off catches up and commits with a frame of its own;
			// the one without a ring is simply up to date again.
			if want := 1 + followers/ringFrom; len(frames) != want || frames[0].Seq != last || (frames[0].Cursor == "") != (want == 2) {
				t.Fatalf("%d frames, the first of seq %d with cursor %q; want the newest state, committed",
					len(frames), frames[0].Seq, frames[0].Cursor)
			}
			for _, f := range frames {
				c.take(f)
			}
			c.wantFinal()
			if fell := r.Stats().FellOff; fell != uint64(followers/ringFrom) {
				t.Errorf("%d fell off", fell)
			}
		})
	}
}

// TestSnapshotInChunksIsConflated changes a topic between the chunks of its
// snapshot.
func TestSnapshotInChunksIsConflated(t *testing.T) {
	r := newRig(t)
	text := strings.Repeat("v", 1000)
	for n := range 100 {
		r.put(set{"a", key(n), text})
	}
	c := newClient(t, r, true, "a")
	chunks := 0
	for ; c.read(-1); chunks++ {
		if chunks < 5 {
			r.put(set{"a", key(chunks), ""}, set{"a", key(99 - chunks), "changed"})
		}
	}
	if chunks < 6 {
		t.Errorf("%d chunks of 100 KB", chunks)
	}
	if !c.live || c.resets != 1 {
		t.Errorf("live %t after %d resets", c.live, c.resets)
	}
	c.wantFinal()
}

// TestBusyTopicDoesNotKeepTheCommitAway holds that a batch ends although one
// of its topics never does.
func TestBusyTopicDoesNotKeepTheCommitAway(t *testing.T) {
	r := newRig(t)
	text := strings.Repeat("v", 3000)
	for range ringFrom {
		drain(r.sub("a,b"))
	}
	c := newClient(t, r, true, "a", "b")
	c.drain()
	for n := range 200 {
		for range 8 {
			r.put(set{"a", key(n), text})
		}
		r.put(set{"b", "k", fmt.Sprint(n)})
		c.read(-1)
		if lag := r.seq - c.whole.Seq; n > 10 && lag > 1200 {
			t.Fatalf("in round %d the commit is %d events late", n, lag)
		}
	}
	c.drain()
	c.wantFinal()
}

// TestMissedTombstonesResetASnapshot drops tombstones that a slow reader of a
// snapshot would have needed.
func TestMissedTombstonesResetASnapshot(t *testing.T) {
	r := newRig(t)
	text := strings.Repeat("v", 100)
	for n := range 3 * MaxTombstones {
		r.put(set{"a", key(n), text})
	}
	c := newClient(t, r, true, "a")
	c.read(-1)
	for n := range 2 * MaxTombstones {
		r.put(set{"a", key(n), ""})
	}
	c.drain()
	if c.resets != 2 || !c.live {
		t.Errorf("%d resets, live %t; want 2, true", c.resets, c.live)
	}
	c.wantFinal()
}

// TestStalledReaderPinsNothing compares what a reader that stopped holds with
// what an idle one does: no buffer, and a place of two numbers.
func TestStalledReaderPinsNothing(t *testing.T) {
	r := newRig(t)
	for range ringFrom {
		drain(r.sub("a,b"))
	}
	s := r.sub("a,b")
	drain(s)
	if s.chunk != nil {
		t.Error("an idle reader holds a buffer")
	}
	for n := range 5000 {
		r.put(set{"a", key(n % 10), strings.Repeat("v", 1000)})
	}
	if s.chunk != nil || len(s.small) > 512 {
		t.Error("a stalled reader holds a buffer")
	}
	n := 0
	for _, seg := range r.topics["a"].streams[s.feeds[0].stream.format].ring.segments {
		if seg != nil {
			n++
		}
	}
	if n > ringSegments {
		t.Errorf("%d segments are kept", n)
	}
}

func TestRingsComeAndGo(t *testing.T) {
	r := newRig(t)
	var subs []*Subscription
	for n := range ringFrom + 2 {
		want := 0
		if n >= ringFrom {
			want = 1
		}
		if got := r.Stats().Rings; got != want {
			t.Errorf("%d rings with %d subscribers, want %d", got, n, want)
		}
		subs = append(subs, r.sub("a"))
	}
	for _, s := range subs {
		drain(s)
	}
	for n, s := range subs {
		r.put(set{"a", "k", fmt.Sprint(n)})
		rest := len(subs) - n
		for _, other := range subs[n:] {
			got := parse(t, []byte(drain(other)))
			if len(got) != 1 || got[0].ID == "" || string(got[0].Value) != fmt.Sprintf(`"%d"`, n) {
				t.Errorf("with %d subscribers one was sent %+v", rest, got)
			}
		}
		s.Close()
		s.Close()
	}
	if s := r.Stats(); s.Rings != 0 || s.Subscriptions != 0 || len(r.topics["a"].followers) != 0 {
		t.Errorf("something is left: %+v", s)
	}
}

// TestQuietCustomersCostNothing holds that following a topic that holds
// nothing leaves nothing behind.
func TestQuietCustomersCostNothing(t *testing.T) {
	r := newRig(t)
	for n := range 3000 {
		s := r.sub("orders/" + key(n))
		drain(s)
		if n%2 == 0 {
			s.Close()
		}
	}
	if s := r.Stats(); s.Topics != 1500 || s.Rings != 0 || s.Entries != 0 {
		t.Errorf("%+v, want 1500 topics that are followed", s)
	}
	if r.topics[event.OrdersOf(key(1))].items != nil {
		t.Error("a topic that holds nothing has a map")
	}
}

// TestFallingOffBetweenTheChunksOfABatch lets a batch take several chunks,
// events happen meanwhile, and the reader fall off at any time after that.
func TestFallingOffBetweenTheChunksOfABatch(t *testing.T) {
	text := strings.Repeat("v", segmentSize/2)
	for reads := range 10 {
		r := newRig(t)
		for range ringFrom {
			drain(r.sub("a,b"))
		}
		c := newClient(t, r, true, "b", "a")
		c.drain()
		r.put(set{"a", "k1", text}, set{"b", "k1", text})
		r.put(set{"b", "k2", text})
		c.read(-1) // the batch has begun and has to go on
		for n := range 4 {
			r.put(set{"a", key(n), text}) // lies behind its goal, in other segments
		}
		for range reads {
			c.read(-1)
		}
		for n := range 3 * ringSegments {
			r.put(set{"a", "busy", fmt.Sprint(n) + text}, set{"b", "busy", fmt.Sprint(n) + text})
		}
		c.drain()
		c.wantFinal()
	}
}

// TestChunkThatIsJustFull makes a chunk end before, in the midst of and behind
// the frames that follow the entries.
func TestChunkThatIsJustFull(t *testing.T) {
	for size := segmentSize - 250; size < segmentSize; size += 15 {
		r := newRig(t)
		for range ringFrom {
			drain(r.sub("a"))
		}
		r.put(set{"a", "k", strings.Repeat("v", size)})
		s := r.sub("a")
		frames := parse(t, []byte(drain(s)))
		if n := len(frames); n != 4 || frames[2].Cursor != "e1.2" || !frames[3].Live {
			t.Fatalf("with a value of %d bytes %d frames were sent, want 4", size, n)
		}
		for range ringSegments + 1 {
			r.put(set{"a", "k", strings.Repeat("w", size)})
		}
		want := fmt.Sprintf("e1.%d", r.seq)
		frames = parse(t, []byte(drain(s)))
		if n := len(frames); frames[n-1].Cursor != want || frames[n-1].ID != want {
			t.Fatalf("with a value of %d bytes the last of %d frames commits %q", size, n, frames[n-1].ID)
		}
	}
}

// TestRingComesBackBehindAReader drops a ring and makes another one while a
// reader has not read the first.
func TestRingComesBackBehindAReader(t *testing.T) {
	r := newRig(t)
	var others []*Subscription
	for range ringFrom {
		others = append(others, r.sub("a"))
	}
	c := newClient(t, r, true, "a")
	c.drain()
	r.put(set{"a", "k1", "in the first ring"})
	for _, s := range others {
		s.Close()
	}
	r.put(set{"a", "k2", "in no ring"})
	for range ringFrom {
		drain(r.sub("a"))
	}
	r.put(set{"a", "k3", "in the second ring, longer than what the first one had before it"})
	c.drain()
	c.wantFinal()
}

// TestNewEpochInTheMidstOfABatch begins again although a batch was not over.
func TestNewEpochInTheMidstOfABatch(t *testing.T) {
	r := newRig(t)
	c := newClient(t, r, true, "a", "b")
	for n := range 40 {
		r.put(set{"a", key(n), "x"}, set{"b", key(n), strings.Repeat("v", 1000)})
	}
	c.read(-1)
	if !c.sub.inBatch {
		t.Fatal("the batch is over")
	}
	r.apply("open", "e2")
	wantSent(t, string(c.sub.Ping(c.sub.since)), `{"ping":true,"now":"T"}`)
	frames := parse(t, c.sub.Next())
	if f := frames[0]; !f.Reset || f.Topic != "a" {
		t.Errorf("the new life begins with %+v", f)
	}
}

// TestNothingIsCommittedInTheMidstOfAReset holds that a heartbeat during a
// snapshot does not repeat a position that the reset has voided.
func TestNothingIsCommittedInTheMidstOfAReset(t *testing.T) {
	r := newRig(t)
	s := r.sub("a")
	drain(s)
	var all, none []set
	for n := range 2 * MaxTombstones {
		all = append(all, set{"a", key(n), "some text"})
		none = append(none, set{"a", key(n), ""})
	}
	r.put(all...)
	r.put(none...)
	r.put(all...)
	r.put(set{"a", key(0), ""})
	if frames := parse(t, s.Next()); !frames[0].Reset {
		t.Fatalf("sent %+v, want a reset", frames[0])
	}
	wantSent(t, string(s.Ping(s.since)), `{"ping":true,"now":"T"}`)
}
