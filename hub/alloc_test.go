package hub

import (
	"testing"

	"everything.local/event"
)

// ticket is about what a board's line is.
const ticket = `{"number":41,"name":"Ada","drink":"Latte +2","status":"preparing","since":"2026-11-02T08:30:00.000Z"}`

// plain is a fold that changes one key of one topic with each event.
type plain struct {
	topic event.Topic
	keys  int
}

func (p *plain) Apply(e event.Event) ([]event.Entry, error) {
	if e.Seq == 1 {
		return nil, nil
	}
	return []event.Entry{{Topic: p.topic, Key: key(int(e.Seq) % p.keys), Value: []byte(ticket)}}, nil
}
func (p *plain) Snapshot() ([]byte, error) { return nil, nil }
func (p *plain) Restore([]byte) error      { return nil }
func (p *plain) Epoch() string             { return "e1" }

// fanout returns a hub whose topic "a" has keys entries, and n subscribers.
func fanout(t testing.TB, keys, n int, topics string) (*Hub, []*Subscription) {
	h := New(Config{Fold: &plain{"a", keys}})
	h.arrive(0)
	publish(t, h, keys+1)
	subs := make([]*Subscription, n)
	for i := range subs {
		subs[i] = subscribe(t, h, topics, line{ids: true})
		drain(subs[i])
	}
	for _, s := range subs {
		drain(s) // the first ones now find the ring that the others made pay
	}
	return h, subs
}

func publish(t testing.TB, h *Hub, n int) {
	for range n {
		if err := h.advance(event.Event{Seq: h.applied + 1}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNoAllocationPerFrame holds what the design promises: none for the reader
// of a ring, and none that grows with the frames for one of several topics,
// whose buffer is lent by a pool that may have been emptied.
func TestNoAllocationPerFrame(t *testing.T) {
	const runs, frames = 100, 40
	for topics, most := range map[string]float64{"a": 0, "a,b": 0.1} {
		h, subs := fanout(t, 10, runs+1, topics)
		publish(t, h, frames)
		before := h.Stats().Frames
		next := 0
		allocs := testing.AllocsPerRun(runs, func() {
			for s := subs[next]; len(s.Next()) > 0; {
			}
			next++
		})
		if n := h.Stats().Frames - before; n < frames*runs {
			t.Fatalf("%d frames of %s were sent", n, topics)
		}
		if allocs/frames > most {
			t.Errorf("%g allocations per frame of %s, want at most %g", allocs/frames, topics, most)
		}
		subs[0].Ping(subs[0].since) // makes the subscription's small buffer
		allocs = testing.AllocsPerRun(runs, func() { subs[0].Ping(subs[0].since) })
		if allocs > most {
			t.Errorf("%g allocations per ping", allocs)
		}
	}
}
