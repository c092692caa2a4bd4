package streams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// highWaterEvery is how often the high-water mark is written while the log
// grows: rarely, to spare the disk.
const highWaterEvery = 5 * time.Second

// highWater remembers in a file of its own how far the log has been, because
// a log whose end has been cut off looks like a shorter, healthy one; and the
// server itself cuts a log off at the first record that it cannot read. It is
// written every few seconds and at the end, so the loss of what was appended
// in the last seconds before a crash can go unnoticed; that of anything older
// cannot.
type highWater struct {
	name   string
	logger *slog.Logger
	exists bool
	stored uint64 // what the file says; owned by open, then by run
	seen   atomic.Uint64
}

// mark is the content of highwater.json.
type mark struct {
	Seq uint64 `json:"seq"`
}

func openHighWater(d *directory, logger *slog.Logger) (*highWater, error) {
	h := &highWater{name: d.file("highwater.json"), logger: logger}
	b, err := os.ReadFile(h.name)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return nil, unwritable(d.path, err)
	}
	var m mark
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("%w: %s cannot be read; the log may still be whole: move that file away and start again, then compare the newest orders with the tickets", ErrDamaged, h.name)
	}
	h.exists, h.stored = true, m.Seq
	h.seen.Store(m.Seq)
	return h, nil
}

// begun reports whether the streams have been opened here before.
func (h *highWater) begun() bool { return h.exists }

// begin notes that the streams exist.
func (h *highWater) begin() error {
	if h.exists {
		return nil
	}
	if err := h.save(0); err != nil {
		return fmt.Errorf("%w: %s (%w)", ErrUnwritable, h.name, err)
	}
	h.exists = true
	return nil
}

// reach notes that the log holds the sequence given.
func (h *highWater) reach(seq uint64) {
	for old := h.seen.Load(); seq > old && !h.seen.CompareAndSwap(old, seq); old = h.seen.Load() {
	}
}

// run writes the mark down now and then, and once more when ctx ends.
func (h *highWater) run(ctx context.Context) {
	tick := time.NewTicker(highWaterEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			h.write()
		case <-ctx.Done():
			h.write()
			return
		}
	}
}

func (h *highWater) write() {
	seq := h.seen.Load()
	if seq == h.stored {
		return
	}
	if err := h.save(seq); err != nil {
		h.logger.Error("write the high-water mark of the log", "error", err)
		return
	}
	h.stored = seq
}

func (h *highWater) save(seq uint64) error {
	b, err := json.Marshal(mark{seq})
	if err != nil {
		return err
	}
	return writeFile(h.name, append(b, '\n'))
}

// checkLog compares the log with what it must be: every sequence from 1 on,
// and at least as far as it has been.
func (n *Node) checkLog(ctx context.Context) error {
	state, err := n.log.state(ctx)
	if err != nil {
		return err
	}
	was := n.high.seen.Load()
	if state.LastSeq < was {
		return fmt.Errorf("%w: the log in %s ends at %d and has been at %d; restore the directory from a backup, or move it away to begin a new log",
			ErrDamaged, n.dir.path, state.LastSeq, was)
	}
	if state.LastSeq > 0 && (state.FirstSeq != 1 || state.Msgs != state.LastSeq) {
		return fmt.Errorf("%w: the log in %s holds %d of %d events; restore the directory from a backup, or move it away to begin a new log",
			ErrDamaged, n.dir.path, state.Msgs, state.LastSeq)
	}
	n.high.reach(state.LastSeq)
	return nil
}
