package main

import (
	"net/http"
	"testing"
	"time"

	"everything.local/auth"
	"everything.local/event"
	"everything.local/streams"
)

// TestEventOfTheFuture puts an event into the log that this hub does not know:
// it stops taking commands, marks its feeds stale, and goes on showing what it
// has, also after a restart.
func TestEventOfTheFuture(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := start(t, data)
	ada := p.token(auth.Customer, "ada")
	p.must(ada, http.MethodPost, "/v1/orders", latte)
	if _, err := p.stop(); err != nil {
		t.Fatal(err)
	}
	appendForeign(t, data)
	p = start(t, data)
	status, problem, err := p.call(t.Context(), ada, http.MethodPost, "/v1/orders", latte)
	if err != nil || status != http.StatusServiceUnavailable || problem["code"] != string(event.UpgradeNeeded) {
		t.Errorf("order: %d %v %v", status, problem, err)
	}
	status, _, err = p.call(t.Context(), "", http.MethodGet, "/v1/menu", "")
	if err != nil || status != http.StatusOK {
		t.Errorf("menu: %d %v", status, err)
	}
	entries, stale := 0, false
	err = p.feed(t.Context(), "", "topics=board", func(f event.Frame) bool {
		if f.Key != "" {
			entries++
		}
		stale = stale || f.Stale != nil && f.Stale.Why == event.HubTooOld
		return stale && entries > 0 || f.Live
	})
	if err != nil || !stale || entries != 1 {
		t.Errorf("board: stale %v, %d entries, %v", stale, entries, err)
	}
}

func appendForeign(t *testing.T, data string) {
	t.Helper()
	node, err := streams.Open(t.Context(), streams.Config{Dir: data, Site: "Everything", Mode: "live"})
	if err != nil {
		t.Fatal(err)
	}
	id := event.NewID()
	_, err = node.Log().Append(t.Context(), event.Command{ID: event.CommandID("future", "", "", id), Digest: "none"},
		event.Write{
			Subject: event.Subject{Kind: "teleport", ID: id},
			Event:   event.Event{Type: "order.teleported", Version: 1, Time: time.Now(), By: "hub", Data: []byte(`{}`)},
		})
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
