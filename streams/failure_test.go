package streams

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"everything.local/event"
	"everything.local/streams/disktest"
)

// noticedWithin is generous to a shared machine.
const noticedWithin = 10 * time.Second

// appendUntilFull fills what is left of the disk with events and returns how
// many were answered, the command that was not, and why.
func appendUntilFull(t *testing.T, n *Node) (stored int, cmd event.Command, write event.Write, err error) {
	t.Helper()
	for i := range 10_000 {
		id := event.NewID()
		cmd, write = event.Command{ID: id}, orderPlaced(id, strings.Repeat("a", 1+i%50), "Ada")
		if _, err = n.Log().Append(t.Context(), cmd, write); err != nil {
			return stored, cmd, write, err
		}
		stored++
	}
	t.Fatal("the disk does not get full")
	return
}

// TestFullDisk fills a real disk until the log fails, frees it, and recovers.
func TestFullDisk(t *testing.T) {
	dir := disktest.Small(t, smallDisk)
	n := openNode(t, testConfig(dir))
	first := orderPlaced("first", "ada", "Ada")
	if _, err := n.Log().Append(t.Context(), event.Command{ID: "first"}, first); err != nil {
		t.Fatal(err)
	}
	var tailed atomic.Uint64
	moved := make(chan struct{}, 1)
	tailing := make(chan error, 1)
	tail, endTail := context.WithCancel(t.Context())
	go func() {
		tailing <- n.Log().Tail(tail, 0, func(e event.Event) error {
			if !tailed.CompareAndSwap(e.Seq-1, e.Seq) || e.Forgotten {
				t.Errorf("event %d came after %d, forgotten %v", e.Seq, tailed.Load(), e.Forgotten)
			}
			select {
			case moved <- struct{}{}:
			default:
			}
			return nil
		})
	}()
	if n.Err() != nil {
		t.Fatalf("a healthy log: %v", n.Err())
	}

	free := disktest.Fill(t, dir, 128<<10)
	stored, lost, write, err := appendUntilFull(t, n)
	stored++ // the first
	if stored < 10 {
		t.Errorf("%d appends prove little", stored)
	}
	if !errors.Is(err, event.ErrFailed) || !errors.Is(err, event.ErrUnavailable) || !strings.Contains(err.Error(), dir) {
		t.Errorf("append on the full disk: %v", err)
	}
	checkFailed(t, n, stored)
	free()
	checkFailed(t, n, stored) // space alone does not mend it

	if err := n.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !n.server.JetStreamConfig().SyncAlways {
		t.Error("the log is not synced any more")
	}
	if err := n.Err(); err != nil {
		t.Errorf("after recovery: %v", err)
	}
	if err := n.Probe(t.Context()); err != nil {
		t.Errorf("probe after recovery: %v", err)
	}
	began := time.Now()
	receipt, err := n.Log().Append(t.Context(), lost, write)
	if err != nil || receipt.Seq != uint64(stored+1) {
		t.Errorf("the retry: %+v, %v; %d were stored", receipt, err, stored)
	}
	for tailed.Load() < receipt.Seq {
		select {
		case <-moved:
		case <-time.After(noticedWithin):
			t.Fatalf("the tail stands at %d of %d", tailed.Load(), receipt.Seq)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("the tail went on %v after the recovery", took)
	}
	endTail()
	if err := <-tailing; !errors.Is(err, context.Canceled) {
		t.Errorf("tail: %v", err)
	}
	closeNode(t, n)
	again := openNode(t, testConfig(dir))
	if head, err := again.Log().Head(t.Context()); err != nil || head != receipt.Seq {
		t.Errorf("opened again, the log is at %d, %v; want %d", head, err, receipt.Seq)
	}
}

// checkFailed holds what a failed log does and what it still does.
func checkFailed(t *testing.T, n *Node, stored int) {
	t.Helper()
	select {
	case <-n.Failed():
	default:
		t.Error("Failed is open")
	}
	began := time.Now()
	_, errAppend := n.Log().Append(t.Context(), event.Command{ID: "next"}, orderPlaced("next", "ada", "Ada"))
	_, errForget := n.Log().Forget(t.Context(), "ada", "")
	for what, err := range map[string]error{"append": errAppend, "forget": errForget, "probe": n.Probe(t.Context()), "Err": n.Err()} {
		if !errors.Is(err, event.ErrFailed) || !errors.Is(err, event.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("a failed log took %v to say so", took)
	}
	r, err := n.Log().Append(t.Context(), event.Command{ID: "first"}, orderPlaced("first", "ada", "Ada"))
	if err != nil || !r.Duplicate || r.Seq != 1 {
		t.Errorf("the retry of what is stored: %+v, %v", r, err)
	}
	if head, err := n.Log().Head(t.Context()); err != nil || head != uint64(stored) {
		t.Errorf("head: %d, %v; want %d", head, err, stored)
	}
	events, err := n.Log().Read(t.Context(), event.Subject{Kind: event.KindOrder, ID: "first"})
	if err != nil || len(events) != 1 {
		t.Errorf("read: %v, %v", events, err)
	}
	if _, ok := n.Leader(); !ok {
		t.Error("what feeds show counts as stale")
	}
}

// TestRecoverOnFullDisk holds that a recovery that comes too early fails, and
// that the next one works.
func TestRecoverOnFullDisk(t *testing.T) {
	dir := disktest.Small(t, smallDisk)
	n := openNode(t, testConfig(dir))
	if err := n.Recover(t.Context()); err != nil {
		t.Errorf("recovery of a healthy log: %v", err)
	}
	free := disktest.Fill(t, dir, 128<<10)
	stored, lost, write, err := appendUntilFull(t, n)
	if !errors.Is(err, event.ErrFailed) {
		t.Fatal(err)
	}
	for range 2 {
		if err := n.Recover(t.Context()); err == nil || n.Err() == nil {
			t.Errorf("recovery on a full disk: %v, then %v", err, n.Err())
		}
	}
	free()
	if err := n.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := n.Log().Append(t.Context(), lost, write)
	if err != nil || r.Seq != uint64(stored+1) {
		t.Errorf("%+v, %v; want %d", r, err, stored+1)
	}
}

// TestRecoverOnLoss holds that a log which has lost what was read from it does
// not go on.
func TestRecoverOnLoss(t *testing.T) {
	dir := disktest.Small(t, smallDisk)
	n := openNode(t, testConfig(dir))
	free := disktest.Fill(t, dir, 128<<10)
	if _, _, _, err := appendUntilFull(t, n); !errors.Is(err, event.ErrFailed) {
		t.Fatal(err)
	}
	free()
	name, err := newestBlock(filepath.Join(streamDir(dir, logStream), "msgs"))
	if err != nil || name == "" {
		t.Fatalf("%q, %v", name, err)
	}
	info, err := os.Stat(name)
	if err == nil {
		err = os.Truncate(name, info.Size()/2)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Recover(t.Context()); !errors.Is(err, ErrDamaged) {
		t.Errorf("recovery of half a log: %v", err)
	}
	if n.Err() == nil {
		t.Error("half a log takes writes")
	}
}

func TestNewestBlock(t *testing.T) {
	dir := t.TempDir()
	if name, err := newestBlock(dir); name != "" || err != nil {
		t.Errorf("empty: %q, %v", name, err)
	}
	for _, name := range []string{"9.blk", "10.blk", "index.db", "x.blk"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if name, err := newestBlock(dir); filepath.Base(name) != "10.blk" || err != nil {
		t.Errorf("%q, %v", name, err)
	}
}

// TestTimersGoOnAfterRecovery holds that the timers of before, and those set
// while the log had failed, fire once it has recovered.
func TestTimersGoOnAfterRecovery(t *testing.T) {
	dir := disktest.Small(t, smallDisk)
	n := openNode(t, testConfig(dir))
	fired := make(chan string, 100)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() {
		ran <- n.Timers().Run(ctx, func(_ context.Context, id string, _ []byte) error {
			fired <- id
			return nil
		})
	}()
	due := time.Now().Add(2 * time.Second)
	if err := n.Timers().Set(ctx, "before", due, nil); err != nil {
		t.Fatal(err)
	}
	free := disktest.Fill(t, dir, 128<<10)
	if _, _, _, err := appendUntilFull(t, n); !errors.Is(err, event.ErrFailed) {
		t.Fatal(err)
	}
	set := make(chan error, 1)
	go func() { set <- n.Timers().Set(ctx, "meanwhile", time.Now(), make([]byte, 64<<10)) }()
	free()
	if err := n.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-set; err != nil {
		t.Errorf("set while the log had failed: %v", err)
	}
	missing := map[string]bool{"before": true, "meanwhile": true}
	for deadline := time.After(noticedWithin); len(missing) > 0; {
		select {
		case id := <-fired:
			if id == "before" && time.Now().Before(due) {
				t.Error("a timer fired early")
			}
			delete(missing, id)
		case <-deadline:
			t.Fatalf("these did not fire: %v", missing)
		}
	}
	cancel()
	if err := <-ran; !errors.Is(err, context.Canceled) {
		t.Errorf("timers: %v", err)
	}
}
