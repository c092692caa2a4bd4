package transporttest

import (
	"testing"
	"time"

	"everything.local/event"
	"everything.local/transport"
)

func heartbeatsAttentive(t *testing.T, way Way) {
	heartbeats(t, way, string(transport.Attentive), time.Second)
}

// heartbeatsIdle asks for no pace, because idle is the default.
func heartbeatsIdle(t *testing.T, way Way) { heartbeats(t, way, "", 20*time.Second) }

// heartbeats: a ping comes at every interval to the instant, with the hub's
// clock and the position that is drained, also while there is traffic.
func heartbeats(t *testing.T, way Way, pace string, every time.Duration) {
	w := newWorld(t, way, setup{pipes: true})
	f := newFollower(event.Menu)
	start := time.Now()
	s := w.follow(w.client(), Ask{Topics: "menu", Pace: pace})
	untilLive(t, s, f)
	at := w.hub.Cursor()
	for i := range 6 {
		if i >= 3 { // with traffic from here on
			time.Sleep(every / 2)
			at = w.happen(put(event.Menu, "latte", i))
			untilAt(t, s, f, at)
		}
		fr := next(t, s, f)
		want := start.Add(time.Duration(i+1) * every)
		if !fr.Ping || fr.Cursor != at.String() || fr.Now != event.FormatTime(want) || !time.Now().Equal(want) {
			t.Fatalf("after %v came %s, want ping %d at %s", time.Since(start), fr.Raw, i+1, at)
		}
	}
}

// aheadOfHub: the client has seen more than this hub, which says nothing until
// it gets there, but after 2 s that it is behind.
func aheadOfHub(t *testing.T, way Way) {
	w := newWorld(t, way, setup{pipes: true})
	w.happen(put(event.Board, "41", 1))
	at := w.hub.Cursor()
	at.Seq += 2
	f := newFollower(event.Board)
	f.State[event.Board] = map[string]held{}
	f.connect(map[event.Topic]event.Cursor{event.Board: at})
	start := time.Now()
	s := w.follow(w.client(), Ask{Topics: "board@" + at.String()})
	fr := next(t, s, f)
	if fr.Stale == nil || fr.Stale.Why != event.HubBehind || time.Since(start) != 2*time.Second {
		t.Fatalf("after %v came %s, want stale after 2 s", time.Since(start), fr.Raw)
	}
	w.happen(put(event.Board, "42", 2))
	if got := w.happen(put(event.Board, "43", 3)); got != at {
		t.Fatalf("the hub is at %s, want %s", got, at)
	}
	if fr := next(t, s, f); !fr.Live || fr.Cursor != at.String() {
		t.Fatalf("got %s, want live at %s", fr.Raw, at)
	}
	untilAt(t, s, f, w.happen(put(event.Board, "44", 4)))
	if len(f.Log) != 1 {
		t.Errorf("got %v, want the newest entry alone", f.Log)
	}
}

// staleUntilLive: the log has no leader for a while. The feed says so at once
// and after every ping, and is live again when the log is.
func staleUntilLive(t *testing.T, way Way) {
	w := newWorld(t, way, setup{pipes: true})
	f := newFollower(event.Menu)
	s := w.follow(w.client(), Ask{Topics: "menu", Pace: "attentive"})
	untilLive(t, s, f)
	time.Sleep(time.Second / 2)
	since := event.FormatTime(time.Now())
	w.hub.SetStale(event.NoQuorum)
	for i := range 7 {
		fr := next(t, s, f)
		if i%2 == 1 {
			if !fr.Ping {
				t.Errorf("frame %d: got %s, want a ping", i, fr.Raw)
			}
		} else if fr.Stale == nil || fr.Stale.Why != event.NoQuorum || fr.Stale.Since != since {
			t.Errorf("frame %d: got %s, want stale since %s", i, fr.Raw, since)
		}
	}
	w.hub.ClearStale()
	if fr := next(t, s, f); !fr.Live {
		t.Errorf("got %s, want live", fr.Raw)
	}
	if fr := next(t, s, f); !fr.Ping {
		t.Errorf("got %s, want a ping", fr.Raw)
	}
	if fr := next(t, s, f); !fr.Ping {
		t.Errorf("got %s after the ping of a live feed, want the next one", fr.Raw)
	}
}

func tokenExpires(t *testing.T, way Way) {
	w := newWorld(t, way, setup{pipes: true})
	f := newFollower(event.Kitchen)
	start := time.Now()
	s := w.follow(w.client(), Ask{Topics: "kitchen", Token: brief, Pace: "attentive"})
	untilLive(t, s, f)
	untilAt(t, s, f, w.happen(put(event.Kitchen, "a", 1)))
	until(t, s, f, func(fr Frame) bool { return fr.Ping })
	fr := next(t, s, f)
	if fr.Error == nil || fr.Error.Code != event.TokenExpired || fr.Error.Detail == "" {
		t.Errorf("got %s, want the error token_expired", fr.Raw)
	}
	if took := time.Since(start); took != briefLife {
		t.Errorf("the feed ended after %v, the token was good for %v", took, briefLife)
	}
	ends(t, s)
	w.awaitEnd(brief)
	w.closedFor(transport.Expired, 1)
}

// closedFor checks how many feeds ended for the reason.
func (w *world) closedFor(why transport.Reason, want uint64) {
	w.t.Helper()
	stats := w.feed.Stats()[w.way.name()]
	if stats.Closed[why] != want {
		w.t.Errorf("%d feeds ended as %s, want %d: %+v", stats.Closed[why], why, want, stats)
	}
}
