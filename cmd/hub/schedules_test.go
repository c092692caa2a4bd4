package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"everything.local/auth"
	"everything.local/cafe"
	"everything.local/event"

	"github.com/google/go-cmp/cmp"
)

// clockLog notes what a clock is told, and when.
type clockLog struct {
	start time.Time
	told  []string
	fails error
}

func (l *clockLog) note(what, id string) error {
	l.told = append(l.told, fmt.Sprintf("%v %s %s", time.Since(l.start), what, id))
	return l.fails
}

func (l *clockLog) Set(_ context.Context, id string, _ time.Time, _ []byte) error {
	return l.note("set", id)
}
func (l *clockLog) Cancel(_ context.Context, id string) error { return l.note("cancel", id) }

func timerEntry(t *testing.T, id string, due time.Time) event.Entry {
	t.Helper()
	value, err := json.Marshal(cafe.Timer{ID: id, What: "accept", Due: event.FormatTime(due)})
	if err != nil {
		t.Fatal(err)
	}
	return event.Entry{Topic: event.Timers, Key: id, Value: value}
}

// TestSchedules sets timers when they are due soon and not before, those that
// are moot by then not at all, and cancels what may be set.
func TestSchedules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		l := &clockLog{start: start}
		s := newSchedules(l)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.run(ctx) }()
		change := func(entries ...event.Entry) {
			t.Helper()
			if err := s.change(ctx, entries); err != nil {
				t.Fatal(err)
			}
		}
		change(
			timerEntry(t, "past", start.Add(-time.Hour)),
			timerEntry(t, "later", start.Add(5*time.Minute)),
			timerEntry(t, "moot", start.Add(5*time.Minute)),
		)
		change(timerEntry(t, "soon", start.Add(scheduleAhead)))
		time.Sleep(time.Minute + time.Second)
		change(event.Entry{Topic: event.Timers, Key: "moot"}, event.Entry{Topic: event.Timers, Key: "soon"})
		change(event.Entry{Topic: event.Timers, Key: "unknown"})
		time.Sleep(4 * time.Minute)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
		want := []string{"0s set past", "0s set soon", "1m1s cancel soon", "1m1s cancel unknown", "4m0s set later"}
		if diff := cmp.Diff(want, l.told); diff != "" {
			t.Error(diff)
		}
		if len(s.later) > 0 {
			t.Errorf("%d timers are kept", len(s.later))
		}
	})
}

// TestSchedulesTryAgain keeps a timer that could not be set.
func TestSchedulesTryAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &clockLog{start: time.Now(), fails: event.ErrUnavailable}
		s := newSchedules(l)
		if err := s.change(t.Context(), []event.Entry{timerEntry(t, "one", time.Now())}); !errors.Is(err, event.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		l.fails = nil
		if err := s.look(t.Context(), time.Now()); err != nil || !slices.Equal(l.told, []string{"0s set one", "0s set one"}) {
			t.Errorf("told %v, %v", l.told, err)
		}
	})
}

// TestOrdersWriteNoTimers: an order that goes its way in time costs its own
// events and no write for its timers.
func TestOrdersWriteNoTimers(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := start(t, data)
	before := bytesOf(t, data, "TIMERS")
	ada, bob := p.token(auth.Customer, "ada"), p.token(auth.Barista, "bob")
	id := p.must(ada, http.MethodPost, "/v1/orders", latte)["order"].(map[string]any)["id"].(string)
	for _, step := range []string{"accept", "start", "ready", "pickup"} {
		p.must(bob, http.MethodPost, "/v1/orders/"+id+"/"+step, "{}")
	}
	if _, err := p.stop(); err != nil {
		t.Fatal(err)
	}
	if after := bytesOf(t, data, "TIMERS"); after != before {
		t.Errorf("the timers' stream grew from %d to %d bytes", before, after)
	}
	if bytesOf(t, data, "LOG") == 0 {
		t.Error("the log's stream has no bytes either")
	}
}

// bytesOf is how much a stream's messages take on disk.
func bytesOf(t *testing.T, data, stream string) (n int64) {
	t.Helper()
	blocks, found := "", 0
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Base(filepath.Dir(filepath.Dir(path))) != stream || filepath.Ext(path) != ".blk" {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		blocks, found = filepath.Dir(path), found+1
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d blocks of %d bytes in %s", stream, found, n, blocks)
	return n
}
