package hub

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"everything.local/event"
	"everything.local/event/memlog"
)

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.New()
		appendTo(t, log, 1, "open", "e1")
		appendTo(t, log, 2, "put", []set{{"timers", "t1", "x"}, {"timers", "t2", "y"}, {"timers", "t0", "z"}})
		appendTo(t, log, 3, "put", []set{{"timers", "t2", ""}})
		h := start(t, log, 3, nil)
		var calls [][]string
		gate := make(chan struct{})
		stop := errors.New("enough")
		var result error
		done := make(chan struct{})
		go func() {
			result = h.Watch(t.Context(), event.Timers, func(entries []event.Entry) error {
				var call []string
				for _, e := range entries {
					call = append(call, fmt.Sprintf("%s@%d=%s", e.Key, e.Seq, e.Value))
				}
				calls = append(calls, call)
				<-gate
				if len(calls) == 4 {
					return stop
				}
				return nil
			})
			close(done)
		}()
		synctest.Wait()
		for n := range 5 {
			h.put(set{"timers", "t1", fmt.Sprint(n)}, set{"other", "k", "x"})
		}
		h.put(set{"timers", "t0", ""})
		gate <- struct{}{}
		synctest.Wait()
		gate <- struct{}{}
		h.put(set{"other", "k", "y"})
		// More go than there are tombstones kept.
		for n := range 2 * MaxTombstones {
			h.put(set{"timers", key(n), "soon"})
		}
		gate <- struct{}{}
		synctest.Wait()
		h.put(set{"timers", "t1", ""})
		for n := range 2 * MaxTombstones {
			h.put(set{"timers", key(n), ""})
		}
		gate <- struct{}{}
		<-done
		if !errors.Is(result, stop) {
			t.Errorf("Watch returned %v", result)
		}
		want := [][]string{{`t0@2="z"`, `t1@2="x"`}, {`t1@8="4"`, "t0@9="}}
		if diff := cmp.Diff(want, calls[:2]); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if len(h.topics[event.Timers].followers) != 0 {
			t.Error("the watcher is left")
		}
	})
}

// TestWatchHearsOfEveryEnd drops tombstones before the watcher has seen them.
func TestWatchHearsOfEveryEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, memlog.New(), 0, nil)
		h.add("open", "e1")
		held := map[string]bool{}
		gate := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- h.Watch(ctx, "a", func(entries []event.Entry) error {
				before := event.Entry{}
				for _, e := range entries {
					if e.Seq < before.Seq {
						t.Errorf("%s@%d behind %d", e.Key, e.Seq, before.Seq)
					}
					before = e
					if e.Gone() && !held[e.Key] {
						t.Errorf("%s@%d goes without having been", e.Key, e.Seq)
					}
					held[e.Key] = !e.Gone()
				}
				<-gate
				return nil
			})
		}()
		for n := range 2 * MaxTombstones {
			h.put(set{"a", key(n), "x"})
		}
		gate <- struct{}{}
		synctest.Wait()
		for n := range 2 * MaxTombstones {
			h.put(set{"a", key(n), ""})
		}
		h.put(set{"a", key(5), "again"})
		close(gate)
		synctest.Wait()
		for k, there := range held {
			if there != (k == key(5)) {
				t.Errorf("%s is there: %t", k, there)
			}
		}
		if len(held) != 2*MaxTombstones {
			t.Errorf("heard of %d keys", len(held))
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Watch returned %v", err)
		}
	})
}
