package hub

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"everything.local/event"
	"everything.local/event/memlog"
)

// started is a hub that runs in a bubble.
type started struct {
	*Hub
	t    *testing.T
	log  *memlog.Log
	fold *testFold
	n    int
	stop func()
}

// start runs a hub on a log until the test ends or stop is called. The log may
// have events already; n of them were made by add.
func start(t *testing.T, log *memlog.Log, n int, change func(*Config)) *started {
	fold := newTestFold()
	cfg := Config{Log: log, Fold: fold, Halt: func(err error) bool { return errors.Is(err, errTooNew) }}
	if change != nil {
		change(&cfg)
	}
	s := &started{Hub: New(cfg), t: t, log: log, fold: fold, n: n}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run returned %v", err)
		}
	}
	t.Cleanup(s.stop)
	synctest.Wait()
	return s
}

// add appends an event and lets the hub apply it.
func (s *started) add(typ string, data any) uint64 {
	s.t.Helper()
	s.n++
	seq := appendTo(s.t, s.log, s.n, typ, data)
	synctest.Wait()
	return seq
}

func (s *started) put(sets ...set) uint64 { s.t.Helper(); return s.add("put", sets) }

func (s *started) sub(topics string) *Subscription {
	s.t.Helper()
	return subscribe(s.t, s.Hub, topics, line{ids: true})
}

// woken reports whether the reader was woken, and takes that.
func woken(s *Subscription) bool {
	select {
	case <-s.Wake():
		return true
	default:
		return false
	}
}

const (
	liveAt2 = "{\"live\":true,\"cursor\":\"e1.2\",\"now\":\"T\"}\te1.2"
	noQuo   = `{"stale":{"since":"T","why":"no_quorum"}}`
	behind  = `{"stale":{"since":"T","why":"behind"}}`
	tooOld  = `{"stale":{"since":"T","why":"upgrade_needed"}}`
)

func TestStaleUntilLive(t *testing.T) {
	for name, followers := range map[string]int{"from the map": 1, "from the ring": ringFrom} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { staleUntilLive(t, followers) })
		})
	}
}

func staleUntilLive(t *testing.T, followers int) {
	h := start(t, memlog.New(), 0, nil)
	h.add("open", "e1")
	h.put(set{"a", "k", "x"})
	for range followers - 1 {
		drain(h.sub("a"))
	}
	s := h.sub("a@e1.2")
	wantSent(t, drain(s), liveAt2)
	<-s.Wake()
	since := time.Now()
	h.SetStale(event.NoQuorum)
	if !woken(s) {
		t.Error("the reader was not woken")
	}
	if b := drain(s); b != `{"stale":{"since":"`+event.FormatTime(since)+`","why":"no_quorum"}}`+"\n" {
		t.Errorf("sent %s", b)
	}
	time.Sleep(time.Second)
	wantSent(t, string(s.Ping(time.Now())), "{\"ping\":true,\"cursor\":\"e1.2\",\"now\":\"T\"}\te1.2", noQuo)
	// Feeds go on, but nobody is live.
	late := h.sub("a")
	wantSent(t, drain(late), noQuo, `{"topic":"a","reset":true}`,
		`{"topic":"a","key":"k","seq":2,"value":"x"}`, "{\"cursor\":\"e1.2\"}\te1.2")
	h.SetStale(event.NoQuorum) // is no news
	wantSent(t, drain(s))
	h.SetStale(event.LogUnreadable)
	if b := drain(s); b != `{"stale":{"since":"`+event.FormatTime(since)+`","why":"log_unreadable"}}`+"\n" {
		t.Errorf("sent %s", b)
	}
	h.ClearStale()
	wantSent(t, string(s.Ping(time.Now())), "{\"ping\":true,\"cursor\":\"e1.2\",\"now\":\"T\"}\te1.2",
		`{"stale":{"since":"T","why":"log_unreadable"}}`)
	wantSent(t, drain(s), liveAt2)
	wantSent(t, drain(late), liveAt2)
	wantSent(t, string(s.Ping(time.Now())), "{\"ping\":true,\"cursor\":\"e1.2\",\"now\":\"T\"}\te1.2")
}

func TestAheadOfTheHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, memlog.New(), 0, nil)
		h.add("open", "e1")
		h.put(set{"a", "k1", "x"})
		s := h.sub("a@e1.4")
		<-s.Wake()
		wantSent(t, drain(s))
		time.Sleep(behindAfter - 1)
		synctest.Wait()
		if woken(s) {
			t.Error("woken too early")
		}
		wantSent(t, string(s.Ping(time.Now())), "{\"ping\":true,\"cursor\":\"e1.4\",\"now\":\"T\"}\te1.4")
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if !woken(s) {
			t.Error("not woken when it is time to say that the hub is behind")
		}
		wantSent(t, drain(s), behind)
		wantSent(t, string(s.Ping(time.Now())), "{\"ping\":true,\"cursor\":\"e1.4\",\"now\":\"T\"}\te1.4", behind)
		h.put(set{"a", "k2", "known to the reader"})
		wantSent(t, drain(s))
		woken(s)
		h.put(set{"b", "k", "y"})
		if !woken(s) {
			t.Error("not woken when the hub got there")
		}
		wantSent(t, drain(s), "{\"live\":true,\"cursor\":\"e1.4\",\"now\":\"T\"}\te1.4")
		h.put(set{"a", "k1", "z"})
		wantSent(t, drain(s), "{\"topic\":\"a\",\"key\":\"k1\",\"seq\":5,\"value\":\"z\",\"cursor\":\"e1.5\"}\te1.5")
	})
}

// TestAheadInOneTopic holds that the others are served meanwhile, but that no
// cursor goes back behind what the reader has.
func TestAheadInOneTopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, memlog.New(), 0, nil)
		h.add("open", "e1")
		h.put(set{"b", "k1", "x"})
		s := h.sub("a@e1.4,b")
		wantSent(t, drain(s), `{"topic":"b","reset":true}`, `{"topic":"b","key":"k1","seq":2,"value":"x"}`)
		wantSent(t, string(s.Ping(time.Now())), `{"ping":true,"now":"T"}`)
		h.put(set{"a", "k1", "y"}, set{"b", "k1", "z"})
		wantSent(t, drain(s), `{"topic":"b","key":"k1","seq":3,"value":"z","cursor":"e1.3"}`)
		h.add("noop", nil)
		wantSent(t, drain(s), "{\"live\":true,\"cursor\":\"e1.4\",\"now\":\"T\"}\te1.4")
		h.put(set{"a", "k1", "w"})
		wantSent(t, drain(s), `{"topic":"a","key":"k1","seq":5,"value":"w","cursor":"e1.5"}`, "{\"cursor\":\"e1.5\"}\te1.5")
	})
}

// TestFeedsWaitForTheStart holds that nobody is shown the middle of a replay.
func TestFeedsWaitForTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.New()
		h := New(Config{Log: log, Fold: newTestFold()})
		s := subscribe(t, h, "a", line{ids: true})
		<-s.Wake()
		wantSent(t, drain(s))
		wantSent(t, string(s.Ping(time.Now())), `{"ping":true,"now":"T"}`)
		time.Sleep(behindAfter)
		synctest.Wait()
		if !woken(s) {
			t.Error("not woken to say that the hub is behind")
		}
		wantSent(t, drain(s), behind)
		for n, typ := range []string{"open", "put", "put"} {
			data := []any{"e1", []set{{"a", "k", "x"}}, []set{{"a", "k", "y"}}}[n]
			appendTo(t, log, n+1, typ, data)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.Run(ctx) }()
		<-h.Ready()
		<-s.Wake()
		wantSent(t, drain(s), `{"topic":"a","reset":true}`, `{"topic":"a","key":"k","seq":3,"value":"y"}`,
			"{\"cursor\":\"e1.3\"}\te1.3", "{\"live\":true,\"cursor\":\"e1.3\",\"now\":\"T\"}\te1.3")
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := h.Run(t.Context()); err == nil {
			t.Error("Run may be called twice")
		}
	})
}

func TestNewEpochResetsEverybody(t *testing.T) {
	for name, followers := range map[string]int{"from the map": 1, "from the ring": ringFrom} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.put(set{"a", "k", "x"})
			for range followers - 1 {
				drain(r.sub("a"))
			}
			s := r.sub("a")
			drain(s)
			r.put(set{"a", "k", "unread in the old epoch"})
			r.apply("open", "e2")
			r.put(set{"a", "l", "y"})
			wantSent(t, string(s.Ping(time.Now())), `{"ping":true,"now":"T"}`)
			wantSent(t, drain(s), `{"topic":"a","reset":true}`,
				`{"topic":"a","key":"k","seq":3,"value":"unread in the old epoch"}`,
				`{"topic":"a","key":"l","seq":5,"value":"y"}`,
				"{\"cursor\":\"e2.5\"}\te2.5", "{\"live\":true,\"cursor\":\"e2.5\",\"now\":\"T\"}\te2.5")
		})
	}
}
