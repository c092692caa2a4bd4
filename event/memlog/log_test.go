package memlog_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"everything.local/event"
	"everything.local/event/memlog"
)

func write(id string, expected uint64) event.Write {
	return event.Write{
		Subject:  event.Subject{Kind: event.KindOrder, ID: id},
		Expected: expected,
		Event:    event.Event{Type: "order.placed", Version: 1, Time: time.Unix(0, 0)},
	}
}

func TestAppendWaitsWhileDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.New()
		log.SetDown(true)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := log.Append(ctx, event.Command{ID: "a"}, write("a", 0))
		if !errors.Is(err, event.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("append to a log that is down: %v", err)
		}
		time.AfterFunc(5*time.Second, func() { log.SetDown(false) })
		start := time.Now()
		if _, err := log.Append(t.Context(), event.Command{ID: "a"}, write("a", 0)); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited != 5*time.Second {
			t.Errorf("append answered after %v, the log was back after 5s", waited)
		}
	})
}

func TestTailIsDurablyBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.New()
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan uint64, 1)
		done := make(chan error)
		go func() {
			done <- log.Tail(ctx, 0, func(e event.Event) error {
				got <- e.Seq
				return nil
			})
		}()
		synctest.Wait()
		if _, err := log.Append(t.Context(), event.Command{ID: "a"}, write("a", 0)); err != nil {
			t.Fatal(err)
		}
		if seq := <-got; seq != 1 {
			t.Errorf("tail saw %d, want 1", seq)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("tail ended with %v", err)
		}
	})
}
