package transport

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// budgeted runs a budget of 1000 bytes of which used are in use.
func budgeted(t *testing.T, used *atomic.Uint64, spent func()) (*Budget, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	b := NewBudget(1000, slog.New(slog.NewTextHandler(&log, nil)))
	b.measure = used.Load
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { b.run(ctx, spent) })
	t.Cleanup(func() { stop(); wg.Wait() })
	return b, &log
}

func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var used atomic.Uint64
		var closed atomic.Int64
		b, log := budgeted(t, &used, func() { closed.Add(1) })
		for _, step := range []struct {
			used   uint64
			tight  bool
			closed int64
		}{{100, false, 0}, {800, false, 0}, {960, true, 0}, {800, true, 0}, {960, true, 0}, {1200, true, 1}, {700, false, 1}, {800, false, 1}} {
			used.Store(step.used)
			time.Sleep(sampleEvery)
			synctest.Wait()
			if got := b.Stats(); got.Tight != step.tight || got.Used != step.used || got.Bytes != 1000 || closed.Load() != step.closed {
				t.Errorf("at %d: %+v, closed %d times; want tight %v, %d times", step.used, got, closed.Load(), step.tight, step.closed)
			}
		}
		if got := strings.Count(log.String(), "\n"); got != 2 {
			t.Errorf("one episode logged %d lines:\n%s", got, log)
		}
	})
}

// TestBudgetKeepsNewConnectionsOut: nobody new while memory is short, and
// nobody's rate is charged for trying.
func TestBudgetKeepsNewConnectionsOut(t *testing.T) {
	var b Budget
	l := newLimiter(10, 2)
	l.memory = &b
	b.tight.Store(true)
	for range 5 {
		admits(t, l, "192.0.2.1", NoMemory)
	}
	if _, why := l.admit(netip.MustParseAddr("127.0.0.1")); why != NoMemory {
		t.Errorf("a local program is refused for %q, want %q", why, NoMemory)
	}
	b.tight.Store(false)
	admits(t, l, "192.0.2.1", "")
}

// collected is what is in use once tests before have let go of what they had:
// what pools and finalizers hold takes more than one collection.
func collected() uint64 {
	const still, most = 64 << 10, 20
	runtime.GC()
	last := liveBytes()
	for range most {
		runtime.GC()
		now := liveBytes()
		if now+still > last {
			return now
		}
		last = now
	}
	return last
}

// TestLiveBytes: what is measured is what is kept, not what was thrown away.
func TestLiveBytes(t *testing.T) {
	const size, others = 32 << 20, 4 << 20 // others is what tests before this one let go
	before := collected()
	kept := make([]byte, size)
	runtime.GC()
	if got := liveBytes() - before; got < size-others || got > size+others {
		t.Errorf("%d bytes are in use by %d", got, size)
	}
	runtime.KeepAlive(kept)
	runtime.GC()
	if got := liveBytes(); got > before+others {
		t.Errorf("%d bytes are in use after they were let go, %d before", got, before)
	}
}
