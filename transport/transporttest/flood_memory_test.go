package transporttest

import (
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"everything.local/event"
	"everything.local/transport"
	"everything.local/transport/ndjson"
)

// TestShortOfMemory: while memory is short who is in is served, who is new is
// told to come back, on TCP by a status and on QUIC by a refused handshake, and
// is let in once there is some.
func TestShortOfMemory(t *testing.T) {
	const mib = 1 << 20
	budget := transport.NewBudget(256*mib, slog.New(slog.DiscardHandler))
	ways := HTTPWays(ndjson.Wire{}, ReadNDJSON)[1:]
	w := newWorld(t, ways[1], setup{
		feed: transport.FeedConfig{Memory: budget}, server: transport.ServerConfig{Memory: budget},
	})
	clients := []Client{ways[0].Connect(w.target), ways[1].Connect(w.target)}
	f := newFollower(event.Menu)
	for _, c := range clients {
		t.Cleanup(c.Close)
	}
	s := w.follow(clients[0], Ask{Topics: "menu"})
	untilLive(t, s, f)

	ballast := make([]byte, 240*mib)
	runtime.GC()
	w.within(10*time.Second, budget.Tight, func() { t.Fatalf("memory is not short: %+v", budget.Stats()) })
	untilAt(t, s, f, w.happen(put(event.Menu, "latte", 1)))
	for _, c := range []Client{clients[0], w.tcp()} { // on a connection of before, and a new one
		if r := w.refusal(c, Ask{Topics: "menu"}); r.Status != 503 || r.Fault.Code != event.Unavailable || r.RetryAfter == "" {
			t.Errorf("a new feed: %+v", r)
		}
	}
	if _, err := clients[1].Follow(t.Context(), Ask{Topics: "menu"}); err == nil || !strings.Contains(err.Error(), "CONNECTION_REFUSED") {
		t.Errorf("a new connection on QUIC: %v", err)
	}
	feeds, conns := w.feed.Refused()[transport.NoMemory], w.server.Stats().Refused[transport.NoMemory]
	if feeds != 1 || conns < 2 {
		t.Errorf("%d feeds and %d connections are counted as refused", feeds, conns)
	}

	runtime.KeepAlive(ballast) // up to here
	w.within(20*time.Second, func() bool { return !budget.Tight() }, func() { t.Fatalf("memory is short for ever: %+v", budget.Stats()) })
	untilLive(t, w.follow(w.tcp(), Ask{Topics: "menu"}), newFollower(event.Menu))
}

// tcp returns a client on HTTP/2.
func (w *world) tcp() Client {
	c := HTTPWays(ndjson.Wire{}, ReadNDJSON)[1].Connect(w.target)
	w.t.Cleanup(c.Close)
	return c
}
