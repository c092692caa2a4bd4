package hub

import (
	"sync"
	"testing"

	"everything.local/event"

	"github.com/google/go-cmp/cmp"
)

// TestLag counts what was not handed out, and nothing else.
func TestLag(t *testing.T) {
	h, subs := fanout(t, 10, 3, "a")
	quiet := subscribe(t, h, "b", line{ids: true})
	drain(quiet)
	name := subs[0].encoding.Name()
	check := func(when string, want Lag) {
		t.Helper()
		if diff := cmp.Diff(map[string]Lag{name: want}, h.Lags()); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
	}
	check("all drained", Lag{})
	publish(t, h, 5)
	check("nobody woke", Lag{Behind: 3, Events: 15, Most: 5})
	drain(subs[0])
	publish(t, h, 2)
	check("one went on", Lag{Behind: 3, Events: 16, Most: 7})
	drain(subs[0])
	drain(subs[1])
	check("one stalls", Lag{Behind: 1, Events: 7, Most: 7})
	publish(t, h, 20) // each of the ten states is newer than seven events ago
	check("its states are superseded", Lag{Behind: 3, Events: 30, Most: 10})
	subs[2].Close()
	check("it left", Lag{Behind: 2, Events: 20, Most: 10})
	drain(subs[0])
	drain(subs[1])
	check("all drained again", Lag{})
}

// TestLagOfSnapshot goes down as a reader gets on with what it did not have.
func TestLagOfSnapshot(t *testing.T) {
	const keys = 1000 // several chunks
	h, _ := fanout(t, keys, 0, "a")
	s := subscribe(t, h, "a", line{})
	if len(s.Next()) == 0 || s.Drained() {
		t.Fatal("the snapshot is no longer than a chunk")
	}
	before := uint64(keys)
	for ; !s.Drained(); s.Next() {
		lag := h.Lags()[s.encoding.Name()]
		if lag.Behind != 1 || lag.Most >= before {
			t.Fatalf("%+v after one of %d", lag, before)
		}
		before = lag.Most
	}
	if lag := h.Lags()[s.encoding.Name()]; lag != (Lag{}) {
		t.Errorf("%+v at the end", lag)
	}
}

// TestLagMeanwhile asks while readers read and leave; the race detector looks.
func TestLagMeanwhile(t *testing.T) {
	h, subs := fanout(t, 10, 8, "a,b")
	var reading sync.WaitGroup
	for _, s := range subs {
		reading.Go(func() {
			defer s.Close()
			for at := h.Cursor().Seq; at < 500; at = h.Cursor().Seq {
				drain(s)
			}
		})
	}
	asking := make(chan struct{})
	reading.Go(func() {
		for {
			select {
			case <-asking:
				return
			default:
				for name, l := range h.Lags() {
					if l.Most > l.Events || l.Behind > len(subs) || l.Most > 500 {
						t.Errorf("%s: %+v", name, l)
					}
				}
			}
		}
	})
	for h.Cursor().Seq < 500 {
		if err := h.advance(event.Event{Seq: h.applied + 1}); err != nil {
			t.Error(err)
			break
		}
	}
	close(asking)
	reading.Wait()
}

// TestFrames counts those in what was returned last.
func TestFrames(t *testing.T) {
	h, subs := fanout(t, 10, 1, "a")
	s := subs[0]
	publish(t, h, 3)
	if s.Next(); s.Frames() != 3 {
		t.Errorf("%d frames from the ring", s.Frames())
	}
	if s.Next(); s.Frames() != 0 {
		t.Errorf("%d frames when there are none", s.Frames())
	}
	if s.Ping(s.since); s.Frames() != 1 {
		t.Errorf("a ping is %d frames", s.Frames())
	}
	h.SetStale(event.NoQuorum)
	if s.Ping(s.since); s.Frames() != 2 {
		t.Errorf("a ping of a stale feed is %d frames", s.Frames())
	}
	if s.Frame(event.Frame{}); s.Frames() != 1 {
		t.Errorf("a frame is %d frames", s.Frames())
	}
}
