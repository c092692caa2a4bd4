package transport

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"everything.local/auth"
	"everything.local/event"
	"everything.local/event/memlog"
	"everything.local/hub"
)

func TestDrainOfNothing(t *testing.T) {
	f := NewFeed(FeedConfig{Wires: []Wire{named("a/b")}})
	for range 2 { // the second call waits for the same end
		if err := f.Drain(t.Context(), time.Minute, nil); err != nil {
			t.Errorf("Drain: %v", err)
		}
	}
	req := Request{Positions: []event.Position{{Topic: event.Menu}}, Pace: Idle}
	if _, err := f.Open(auth.Identity{}, req, named("a/b")); event.CodeOf(err) != event.ShuttingDown {
		t.Errorf("Open of a drained feed: %v", err)
	}
}

// sinkFunc is a Sink.
type sinkFunc func([]byte) error

func (f sinkFunc) Send(b []byte) error { return f(b) }

// TestDrainWaits: Drain returns with its context's error while a session hangs
// in its sink, and the session still ends as drained once the sink lets go.
func TestDrainWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFeed(FeedConfig{Hub: hub.New(hub.Config{Log: memlog.New()})})
		req := Request{Positions: []event.Position{{Topic: event.Menu}}, Pace: Attentive}
		s, err := f.Open(auth.Identity{}, req, named("x"))
		if err != nil {
			t.Fatal(err)
		}
		hangs := make(chan struct{})
		ended := make(chan Reason)
		go func() {
			ended <- s.Run(t.Context(), sinkFunc(func([]byte) error { <-hangs; return nil }))
		}()
		time.Sleep(time.Second) // to the first ping, which hangs
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if err := f.Drain(ctx, time.Second, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Drain: %v", err)
		}
		close(hangs)
		if why := <-ended; why != Drained {
			t.Errorf("ended as %s", why)
		}
		if err := f.Drain(t.Context(), 0, nil); err != nil {
			t.Errorf("Drain: %v", err)
		}
		if got := f.Stats()["x"]; got.Open != 0 || got.Closed[Drained] != 1 {
			t.Errorf("stats %+v", got)
		}
	})
}

func TestInflight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f inflight
		if err := f.wait(t.Context()); err != nil {
			t.Errorf("wait for nothing: %v", err)
		}
		h := f.count(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Minute) }))
		go h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := f.wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("wait: %v", err)
		}
		start := time.Now()
		if err := f.wait(t.Context()); err != nil || time.Since(start) != 59*time.Second {
			t.Errorf("wait: %v after %v", err, time.Since(start))
		}
	})
}
