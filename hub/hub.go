package hub

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"everything.local/event"
)

// Fold turns events into entries. It is deterministic: the same events give
// the same entries and the same snapshot on every hub.
type Fold interface {
	// Apply takes the next event and returns the entries it changed. Their Seq
	// is the event's, whatever Apply says, and their values are the hub's from
	// then on. If it returns an error the fold is as it was before.
	Apply(event.Event) ([]event.Entry, error)
	// Snapshot returns the whole state, the same bytes for the same state.
	Snapshot() ([]byte, error)
	// Restore replaces the state by one that Snapshot returned. If it returns
	// an error the fold is as it was before.
	Restore([]byte) error
	// Epoch is the id of the log's life, empty before the first event.
	Epoch() string
}

// Checkpoints keep one piece of bytes across restarts.
type Checkpoints interface {
	// Load returns what was saved last, or nil when there is nothing.
	Load() ([]byte, error)
	// Save replaces it durably, or not at all.
	Save([]byte) error
}

// The defaults of Config.
const (
	// DefaultCheckpointEvents keeps the replay at a start well below a second
	// on a Raspberry Pi.
	DefaultCheckpointEvents = 4096
	// DefaultCheckpointEvery is long because a checkpoint is the whole state:
	// writing it every minute would wear out an SD card.
	DefaultCheckpointEvery = 15 * time.Minute
)

// Config is what a Hub needs.
type Config struct {
	Log  event.Log
	Fold Fold
	// Checkpoints may be nil: then every start replays the whole log.
	Checkpoints Checkpoints
	// CheckpointAt says after which events a checkpoint is saved at once, so
	// that an older one does not keep what the event took away. May be nil.
	CheckpointAt func(event.Event) bool
	// Halt reports whether an error of the fold means that this hub is too old
	// for the log. Other errors mean that the log cannot be followed. May be
	// nil.
	Halt   func(error) bool
	Logger *slog.Logger

	// CheckpointEvents is after how many events a checkpoint is saved; zero is
	// DefaultCheckpointEvents.
	CheckpointEvents int
	// CheckpointEvery is after what time the next event is followed by a
	// checkpoint; zero is DefaultCheckpointEvery.
	CheckpointEvery time.Duration
}

func (c Config) withDefaults() Config {
	if c.CheckpointAt == nil {
		c.CheckpointAt = func(event.Event) bool { return false }
	}
	if c.Halt == nil {
		c.Halt = func(error) bool { return false }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.CheckpointEvents == 0 {
		c.CheckpointEvents = DefaultCheckpointEvents
	}
	if c.CheckpointEvery == 0 {
		c.CheckpointEvery = DefaultCheckpointEvery
	}
	return c
}

// Hub is one follower of the log and everybody who watches it.
type Hub struct {
	cfg    Config
	ran    atomic.Bool
	ready  chan struct{}
	halted atomic.Pointer[haltError]
	// position is the cursor of what is applied, for readers without the lock.
	position atomic.Pointer[event.Cursor]
	counters counters
	waiters  waiters

	// mu guards what follows and the fold. Run's goroutine is the only one
	// that changes the fold, entries and rings.
	mu     sync.RWMutex
	topics map[event.Topic]*topic
	subs   map[*Subscription]struct{}
	epoch  string
	// life counts epochs: subscriptions of an earlier life begin anew.
	life    uint64
	applied uint64
	// cursor is epoch and applied as written in frames.
	cursor string
	// last identifies the newest event applied, see fingerprint.
	last    string
	isReady bool
	// outage is what SetStale said, halt what Run found; zero when neither.
	outage, halt staleness
	totals       totals

	// scratch is Run's, to encode a topic's frames.
	scratch scratch
}

// New returns a hub that has applied nothing yet; call Run.
func New(cfg Config) *Hub {
	h := &Hub{
		cfg:    cfg.withDefaults(),
		ready:  make(chan struct{}),
		topics: make(map[event.Topic]*topic),
		subs:   make(map[*Subscription]struct{}),
	}
	h.position.Store(&event.Cursor{})
	return h
}

// Read calls fn while nothing is applied, so that fn may read the fold. Many
// may read at once; a long read delays every feed. Of the hub's methods fn may
// call Cursor and Halted only.
func (h *Hub) Read(fn func()) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	fn()
}

// Cursor returns the position of what is applied.
func (h *Hub) Cursor() event.Cursor { return *h.position.Load() }

// Ready is closed once everything is applied that the log held when Run began.
// Feeds begin then. A hub that halts before that is never ready, but its feeds
// show what it has.
func (h *Hub) Ready() <-chan struct{} { return h.ready }

// Entries returns what a topic holds now, sorted by Seq, then Key, without
// tombstones.
func (h *Hub) Entries(name event.Topic) []event.Entry {
	h.mu.RLock()
	defer h.mu.RUnlock()
	t := h.topics[name]
	if t == nil {
		return nil
	}
	entries := make([]event.Entry, 0, t.present.count)
	for w, it := t.present.first(); it != nil; it = w.next() {
		entries = append(entries, it.entry(name))
	}
	return entries
}

// topic returns the topic, made if need be; h.mu is held for writing.
func (h *Hub) topic(name event.Topic) *topic {
	t := h.topics[name]
	if t == nil {
		t = &topic{name: name}
		h.topics[name] = t
	}
	return t
}

// serving reports whether feeds may be served: with an epoch, so that there
// are cursors, and not from the middle of a replay. A halted hub shows what it
// has. h.mu is held.
func (h *Hub) serving() bool {
	return h.epoch != "" && (h.isReady || h.halt != staleness{})
}
