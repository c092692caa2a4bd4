package hub

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"everything.local/event"
	"everything.local/event/memlog"
)

func TestHaltKeepsShowingWhatIsThere(t *testing.T) {
	for typ, why := range map[string]event.StaleReason{"new": event.HubTooOld, "bad": event.LogUnreadable} {
		t.Run(typ, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &memory{}
				h := start(t, memlog.New(), 0, func(c *Config) { c.Checkpoints = m })
				h.add("open", "e1")
				h.put(set{"a", "k", "x"})
				s := h.sub("a")
				drain(s)
				waited := make(chan error, 1)
				go func() { waited <- h.Wait(t.Context(), 4) }()
				synctest.Wait()
				h.add(typ, nil)
				h.put(set{"a", "k", "never applied"})

				stale := fmt.Sprintf(`{"stale":{"since":"T","why":"%s"}}`, why)
				wantSent(t, drain(s), stale)
				h.SetStale(event.NoQuorum)
				h.ClearStale()
				wantSent(t, drain(s))
				wantSent(t, string(s.Ping(time.Now())), "{\"ping\":true,\"cursor\":\"e1.2\",\"now\":\"T\"}\te1.2", stale)
				if h.Halted() == nil || h.Cursor().Seq != 2 || h.fold.topic("a")["k"] != "x" {
					t.Errorf("halted %v at %v with %v", h.Halted(), h.Cursor(), h.fold.topic("a"))
				}
				if err := <-waited; !errors.Is(err, h.Halted()) {
					t.Errorf("Wait returned %v, want %v", err, h.Halted())
				}
				wantSent(t, drain(h.sub("a")), stale, `{"topic":"a","reset":true}`,
					`{"topic":"a","key":"k","seq":2,"value":"x"}`, "{\"cursor\":\"e1.2\"}\te1.2")
				// A fold that failed for no known reason is not kept.
				if h.stop(); (m.saved > 0) != (why == event.HubTooOld) {
					t.Errorf("%d checkpoints saved", m.saved)
				}
			})
		})
	}
}

// TestHaltInTheReplay holds that a hub that never gets ready shows what it has.
func TestHaltInTheReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.New()
		appendTo(t, log, 1, "open", "e1")
		appendTo(t, log, 2, "put", []set{{"a", "k", "x"}})
		appendTo(t, log, 3, "new", nil)
		h := start(t, log, 3, nil)
		select {
		case <-h.Ready():
			t.Error("ready behind the head")
		default:
		}
		wantSent(t, drain(h.sub("a")), tooOld, `{"topic":"a","reset":true}`,
			`{"topic":"a","key":"k","seq":2,"value":"x"}`, "{\"cursor\":\"e1.2\"}\te1.2")
	})
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, memlog.New(), 0, nil)
		h.add("open", "e1")
		if err := h.Wait(t.Context(), 1); err != nil {
			t.Error(err)
		}
		done := make(chan error, 1)
		go func() { done <- h.Wait(t.Context(), 3) }()
		h.put(set{"a", "k", "x"})
		select {
		case err := <-done:
			t.Errorf("Wait(3) returned %v at 2", err)
		default:
		}
		h.put(set{"a", "k", "y"})
		if err := <-done; err != nil {
			t.Error(err)
		}
		h.Read(func() {
			if got := h.fold.topic("a")["k"]; got != "y" {
				t.Errorf("read %q after Wait", got)
			}
		})
		why := errors.New("no more patience")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 2*time.Second, why)
		defer cancel()
		if err := h.Wait(ctx, 99); !errors.Is(err, why) {
			t.Errorf("Wait returned %v, want %v", err, why)
		}
		if n := len(h.waiters.list); n != 0 {
			t.Errorf("%d waiters are left", n)
		}
	})
}

// unsteady is a log that is unavailable now and then.
type unsteady struct {
	*memlog.Log
	fails int
	err   error
}

func (l *unsteady) Head(ctx context.Context) (uint64, error) {
	if l.fails > 0 {
		l.fails--
		return 0, l.err
	}
	return l.Log.Head(ctx)
}

func (l *unsteady) Tail(ctx context.Context, after uint64, fn func(event.Event) error) error {
	if l.fails > 0 {
		l.fails--
		return l.err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	n := 0
	return l.Log.Tail(ctx, after, func(e event.Event) error {
		if n++; n > 2 {
			l.fails = 3
			return l.err
		}
		return fn(e)
	})
}

func TestUnavailableLogIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &unsteady{Log: memlog.New(), fails: 5, err: fmt.Errorf("%w: no leader", event.ErrUnavailable)}
		appendTo(t, log, 1, "open", "e1")
		for n := range 9 {
			appendTo(t, log, n+2, "put", []set{{"a", key(n), "x"}})
		}
		h := start(t, log.Log, 0, func(c *Config) { c.Log = log })
		begun := time.Now()
		<-h.Ready()
		if took := time.Since(begun); took == 0 || took > time.Minute {
			t.Errorf("ready after %v", took)
		}
		if n := len(h.Entries("a")); n != 9 || h.Halted() != nil {
			t.Errorf("%d entries, halted %v", n, h.Halted())
		}
	})
}

func TestDamagedLogHalts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &unsteady{Log: memlog.New(), fails: 1, err: event.ErrDamaged}
		h := start(t, log.Log, 0, func(c *Config) { c.Log = log })
		if !errors.Is(h.Halted(), event.ErrDamaged) {
			t.Errorf("halted %v", h.Halted())
		}
		s := h.sub("a")
		wantSent(t, drain(s), `{"stale":{"since":"T","why":"log_unreadable"}}`)
	})
}

func TestStartAndStop(t *testing.T) {
	for range 50 {
		log := memlog.New()
		appendTo(t, log, 1, "open", "e1")
		h := New(Config{Log: log, Fold: newTestFold(), Checkpoints: &memory{}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.Run(ctx) }()
		appendTo(t, log, 2, "put", []set{{"a", "k", "x"}})
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}
