package hub

import (
	"sync/atomic"
	"time"
)

// saver saves checkpoints in a goroutine of its own, because a disk's fsync
// takes as long as many events.
type saver struct {
	cfg Config
	// latest holds one checkpoint, the newest that is not being saved.
	latest chan []byte
	failed atomic.Bool
	// events and at are since and when of the last one, for Run's goroutine.
	events int
	at     time.Time
}

func newSaver(cfg Config) *saver {
	return &saver{cfg: cfg, latest: make(chan []byte, 1), at: time.Now()}
}

func (s *saver) run() {
	for b := range s.latest {
		if err := s.cfg.Checkpoints.Save(b); err != nil {
			s.failed.Store(true)
			s.cfg.Logger.Error("the checkpoint cannot be saved, the log is safe without it", "error", err)
		}
	}
}

// due counts an event and reports whether a checkpoint is to follow it: now,
// because many or a long time went by, or because the last one was not saved.
func (s *saver) due(now bool) bool {
	if s.cfg.Checkpoints == nil {
		return false
	}
	s.events++
	return now || s.events >= s.cfg.CheckpointEvents ||
		time.Since(s.at) >= s.cfg.CheckpointEvery || s.failed.Load()
}

// put replaces what waits to be saved.
func (s *saver) put(b []byte) {
	s.events, s.at = 0, time.Now()
	s.failed.Store(false)
	select {
	case <-s.latest:
	default:
	}
	s.latest <- b
}

func (s *saver) close() { close(s.latest) }

// checkpoint hands the state to the saver. Run's goroutine calls it: nothing
// is applied meanwhile.
func (h *Hub) checkpoint(s *saver) {
	if s.cfg.Checkpoints == nil || s.events == 0 && !s.failed.Load() {
		return // the last one holds everything
	}
	h.mu.RLock()
	b, err := h.snapshot()
	h.mu.RUnlock()
	if err != nil {
		h.cfg.Logger.Error("the state cannot be saved, the log is safe without it", "error", err)
		return
	}
	s.put(b)
}
