package hub

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"everything.local/event"
	"everything.local/event/memlog"
)

// TestManyAtOnce runs readers, watchers, waiters and the rest beside a hub
// that applies events; what they must see in the end is the final state. It is
// for the race detector.
func TestManyAtOnce(t *testing.T) {
	const readers, events = 24, 400
	log := memlog.New()
	fold := newTestFold()
	h := New(Config{Log: log, Fold: fold, Checkpoints: &memory{}, CheckpointEvents: 50})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := h.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	appendTo(t, log, 1, "open", "e1")
	var all sync.WaitGroup
	for n := range readers {
		topics := []string{"a", "a,b", "b", "orders/" + key(n)}[n%4]
		all.Go(func() { readToTheEnd(t, h, topics, n%8 < 4, events) })
	}
	all.Go(func() {
		seen := map[string]string{}
		err := h.Watch(ctx, "a", func(entries []event.Entry) error {
			for _, e := range entries {
				seen[e.Key] = string(e.Value)
			}
			if seen["end"] != "" {
				return errEnded
			}
			return nil
		})
		if !errors.Is(err, errEnded) {
			t.Error(err)
		}
	})
	all.Go(func() {
		for n := range 20 {
			h.SetStale(event.NoQuorum)
			if err := h.Wait(ctx, uint64(n*10)); err != nil {
				t.Error(err)
			}
			h.ClearStale()
			h.Read(func() { _ = len(fold.Values) + int(h.Cursor().Seq) })
			h.Entries("a")
			h.Stats()
		}
	})
	for n := 2; n < events; n++ {
		appendTo(t, log, n, "put", []set{{"a", key(n % 50), fmt.Sprint(n)}, {"b", key(n % 7), fmt.Sprint(n)}})
	}
	appendTo(t, log, events, "put", []set{{"a", "end", "."}, {"b", "end", "."}})
	all.Wait()
	cancel()
	running.Wait()
}

// readToTheEnd follows topics until it is live at the last event, with a new
// connection now and then.
func readToTheEnd(t *testing.T, h *Hub, topics string, ids bool, last uint64) {
	for again := true; again; {
		again = false
		s := subscribe(t, h, topics, line{ids: ids})
		for chunks := 0; !again; chunks++ {
			b := s.Next()
			if len(b) == 0 {
				if p := parse(t, s.Ping(s.since)); p[0].Cursor == fmt.Sprintf("e1.%d", last) && len(p) == 1 {
					s.Close()
					return
				}
				if _, alone := event.Topic(topics).Customer(); !alone {
					<-s.Wake()
				} else if err := h.Wait(t.Context(), last); err != nil {
					t.Error(err)
				}
			}
			parse(t, b)
			again = chunks == 100
		}
		s.Close()
	}
}
