package hub

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"everything.local/event"
	"everything.local/event/memlog"
)

// memory keeps checkpoints in memory.
type memory struct {
	mu    sync.Mutex
	bytes []byte
	saved int
	fails int
}

func (m *memory) Load() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bytes, nil
}

func (m *memory) Save(b []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fails > 0 {
		m.fails--
		return errors.New("disk full")
	}
	m.bytes = slices.Clone(b)
	m.saved++
	return nil
}

// morning is the log of the fold test: orders that come and go on several
// topics, more than 3,000 deletions, and an epoch in the middle.
func morning(t testing.TB) []event.Event {
	rng := rand.New(rand.NewPCG(7, 7))
	var events []event.Event
	add := func(typ string, data any) {
		events = append(events, newEvent(t, uint64(len(events)+1), typ, data))
	}
	add("open", "e1")
	for n := range 3300 {
		k := key(n)
		add("put", []set{{"kitchen", k, "ticket"}, {"board", k, "line"}, {"orders/" + key(n%40), k, "order"}})
		if n == 1700 {
			add("open", "e2")
		}
		if n >= 5 {
			old := key(n - 5)
			add("put", []set{{"board", old, ""}, {"kitchen", old, ""}, {"menu", key(rng.IntN(30)), key(n)}})
		}
		if n%100 == 99 {
			add("put", []set{{"orders/" + key(n%40), k, ""}, {"menu", key(rng.IntN(30)), ""}, {"kitchen", "never there", ""}})
		}
	}
	return events
}

// foldOf returns the checkpoint of a hub that has applied events, continuing
// from an earlier checkpoint if there is one.
func foldOf(t testing.TB, from []byte, events []event.Event) []byte {
	t.Helper()
	h := New(Config{Fold: newTestFold()})
	if from != nil {
		s, err := decodeCheckpoint(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.adopt(s); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range events {
		if e.Seq > h.applied {
			if err := h.advance(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	b, err := h.snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestTheFold folds one log live with subscribers, replayed, and from a
// checkpoint at many points, and compares entries, seqs, tombstones and floors
// byte by byte.
func TestTheFold(t *testing.T) {
	events := morning(t)
	replayed := foldOf(t, nil, events)

	live := New(Config{Fold: newTestFold()})
	live.arrive(0)
	var readers []*Subscription
	for range 2 * ringFrom {
		readers = append(readers, subscribe(t, live, "kitchen,menu,orders/"+key(3), line{}))
	}
	for n, e := range events {
		if err := live.advance(e); err != nil {
			t.Fatal(err)
		}
		if n%3 == 0 {
			readers[n%len(readers)].Next()
		}
	}
	if b, _ := live.snapshot(); !bytes.Equal(b, replayed) {
		t.Error("folded live, the bytes are others than replayed")
	}
	for _, topic := range []event.Topic{"kitchen", "board"} {
		tp := live.topics[topic]
		if tp.gone.count != MaxTombstones || tp.floor == 0 {
			t.Errorf("%s has %d tombstones and floor %d", topic, tp.gone.count, tp.floor)
		}
	}
	points := []int{1, len(events) - 1, len(events)}
	for n := 97; n < len(events); n += 1301 {
		points = append(points, n)
	}
	for _, n := range points {
		if b := foldOf(t, foldOf(t, nil, events[:n]), events); !bytes.Equal(b, replayed) {
			t.Errorf("from a checkpoint at %d, the bytes are others than replayed", n)
		}
	}
}

// TestFloorIsTheNewestDropped holds what a floor is, event by event.
func TestFloorIsTheNewestDropped(t *testing.T) {
	r := newRig(t)
	for n := range MaxTombstones + 10 {
		r.put(set{"a", key(n), "x"})
	}
	var deleted []uint64
	for n := range MaxTombstones + 10 {
		deleted = append(deleted, r.put(set{"a", key(n), ""}))
		want := uint64(0)
		if over := len(deleted) - MaxTombstones; over > 0 {
			want = deleted[over-1]
		}
		if got := r.topics["a"].floor; got != want {
			t.Fatalf("after %d deletions the floor is %d, want %d", n+1, got, want)
		}
	}
	// A key that comes back takes its tombstone with it, and no floor moves.
	floor := r.topics["a"].floor
	r.put(set{"a", key(MaxTombstones), "again"})
	r.put(set{"a", "another", "x"})
	r.put(set{"a", "another", ""})
	if got := r.topics["a"]; got.floor != floor || got.gone.count != MaxTombstones {
		t.Errorf("floor %d, %d tombstones; want %d, %d", got.floor, got.gone.count, floor, MaxTombstones)
	}
}

func TestCheckpointsAreSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		h := start(t, memlog.New(), 0, func(c *Config) {
			c.Checkpoints = m
			c.CheckpointEvents = 10
			c.CheckpointEvery = time.Hour
			c.CheckpointAt = func(e event.Event) bool { return e.Type == "noop" }
		})
		want := func(n int, when string) {
			t.Helper()
			if synctest.Wait(); m.saved != n {
				t.Errorf("%d checkpoints %s, want %d", m.saved, when, n)
			}
		}
		h.add("open", "e1")
		want(0, "after one event")
		for range 9 {
			h.put(set{"a", "k", "x"})
		}
		want(1, "after ten events")
		h.add("noop", nil)
		want(2, "after the event that asks for one")
		m.fails = 1
		h.add("noop", nil)
		want(2, "on a full disk")
		h.put(set{"a", "k", "y"})
		want(3, "after the disk was full")
		time.Sleep(time.Hour)
		h.put(set{"a", "k", "z"})
		want(4, "after an hour")
		h.put(set{"a", "k", "z"})
		h.stop()
		want(5, "at the end")
		if b, _ := h.snapshot(); !bytes.Equal(b, m.bytes) {
			t.Error("the last checkpoint is not the state")
		}

		again := start(t, h.log, h.n, func(c *Config) { c.Checkpoints = m })
		if again.Stats().Events != 0 || again.Cursor() != h.Cursor() || again.fold.topic("a")["k"] != "z" {
			t.Errorf("restored %+v at %v", again.fold, again.Cursor())
		}
		s := again.sub("a@e1.15")
		again.put(set{"a", "k", "after"})
		wantSent(t, drain(s), `{"topic":"a","key":"k","seq":16,"value":"after"}`,
			"{\"cursor\":\"e1.16\"}\te1.16", "{\"live\":true,\"cursor\":\"e1.16\",\"now\":\"T\"}\te1.16")
		again.stop()
		want(6, "at the second end")
		start(t, h.log, again.n, func(c *Config) { c.Checkpoints = m }).stop()
		want(6, "after a run without an event")
	})
}

// TestUselessCheckpointsAreIgnored holds that every start without a good
// checkpoint is a replay of the log.
func TestUselessCheckpointsAreIgnored(t *testing.T) {
	good := func(t *testing.T, epoch string, puts int) ([]byte, *memlog.Log) {
		log, m := memlog.New(), &memory{}
		h := start(t, log, 0, func(c *Config) { c.Checkpoints = m })
		h.add("open", epoch)
		for n := range puts {
			h.put(set{"a", key(n), epoch})
		}
		h.stop()
		return m.bytes, log
	}
	for name, make := range map[string]func(t *testing.T) []byte{
		"empty":         func(*testing.T) []byte { return []byte{} },
		"another form":  func(*testing.T) []byte { return []byte("hub checkpoint 2\n") },
		"cut":           func(t *testing.T) []byte { b, _ := good(t, "e1", 3); return b[:len(b)-1] },
		"with a tail":   func(t *testing.T) []byte { b, _ := good(t, "e1", 3); return append(b, 0) },
		"beyond":        func(t *testing.T) []byte { b, _ := good(t, "e1", 9); return b },
		"another log's": func(t *testing.T) []byte { b, _ := good(t, "e9", 3); return b },
		"a fold's that is none": func(t *testing.T) []byte {
			b, _ := good(t, "e1", 3)
			s, err := decodeCheckpoint(b)
			if err != nil {
				t.Fatal(err)
			}
			s.fold = []byte("{")
			return s.encode()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bad := make(t)
				_, log := good(t, "e1", 5)
				h := start(t, log, 6, func(c *Config) { c.Checkpoints = &memory{bytes: bad} })
				if s := h.Stats(); s.Events != 6 || s.Entries != 5 || h.Halted() != nil {
					t.Errorf("%+v, halted %v; want a whole replay", s, h.Halted())
				}
			})
		})
	}
}

func FuzzDecodeCheckpoint(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte(checkpointMagic))
	events := morning(f)
	for _, n := range []int{1, 4, 60, 300} {
		f.Add(foldOf(f, nil, events[:n]))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeCheckpoint(b)
		if err != nil {
			if !errors.Is(err, errCheckpoint) {
				t.Errorf("error %v", err)
			}
			return
		}
		if again := s.encode(); !bytes.Equal(again, b) {
			t.Errorf("decoded and encoded again:\n%q\n%q", b, again)
		}
	})
}
