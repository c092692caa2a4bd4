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
			if len(frames) > 2 || frames[0].Seq != last {
				t.Fatalf("%d frames, the first of seq %d; want the newest state and a commit at most", len(frames), frames[0].Seq)
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
