package streams

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"everything.local/event"
)

// ringer collects what fires.
type ringer struct {
	mu    sync.Mutex
	fired []firing
	news  chan struct{} // cap 1
	fail  map[string]int
}

type firing struct {
	id, payload string
	at          time.Time
}

var errRefused = errors.New("refused")

func newRinger() *ringer { return &ringer{news: make(chan struct{}, 1), fail: make(map[string]int)} }

func (r *ringer) fire(_ context.Context, id string, payload []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fired = append(r.fired, firing{id, string(payload), time.Now()})
	select {
	case r.news <- struct{}{}:
	default:
	}
	if r.fail[id] > 0 {
		r.fail[id]--
		return errRefused
	}
	return nil
}

// wait returns once n have fired.
func (r *ringer) wait(t *testing.T, n int) []firing {
	t.Helper()
	for {
		r.mu.Lock()
		fired := slices.Clone(r.fired)
		r.mu.Unlock()
		if len(fired) >= n {
			return fired
		}
		select {
		case <-r.news:
		case <-time.After(20 * time.Second):
			t.Fatalf("%d of %d timers fired: %v", len(fired), n, fired)
		}
	}
}

// run runs the node's timers until the function it returns is called.
func (r *ringer) run(t *testing.T, n *Node) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Timers().Run(ctx, r.fire) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("timers ended with %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func set(t *testing.T, n *Node, id string, due time.Time, payload string) {
	t.Helper()
	if err := n.Timers().Set(t.Context(), id, due, []byte(payload)); err != nil {
		t.Fatal(err)
	}
}

func TestTimersAreExact(t *testing.T) {
	n := openNode(t, testConfig(t.TempDir()))
	r := newRinger()
	r.run(t, n)
	// Go's own timers at the same times tell a late timer from a machine that
	// was busy elsewhere.
	var mu sync.Mutex
	bare := make(map[string]time.Time)
	due := make(map[string]time.Time)
	start := time.Now()
	for i, id := range []string{"past", "accept.a1", "pickup.a1", "accept/b2", "x", "y", "z"} {
		// Fractions of a second, some closer than the server's own floor.
		due[id] = start.Add(time.Duration(i*i*50-1) * time.Millisecond)
		set(t, n, id, due[id], "p "+id)
		time.AfterFunc(time.Until(due[id]), func() {
			mu.Lock()
			defer mu.Unlock()
			bare[id] = time.Now()
		})
	}
	late := 0
	for _, f := range r.wait(t, len(due)) {
		if by := f.at.Sub(due[f.id]); by < 0 {
			t.Errorf("%s fired %v early", f.id, -by)
		}
		mu.Lock()
		if at, ok := bare[f.id]; ok && f.at.Sub(at) > 500*time.Millisecond {
			t.Logf("%s fired %v late", f.id, f.at.Sub(at))
			late++
		}
		mu.Unlock()
		if f.payload != "p "+f.id {
			t.Errorf("%s fired with %q", f.id, f.payload)
		}
	}
	if late > 1 {
		t.Errorf("%d of %d timers were more than 0.5 s late", late, len(due))
	}
}

// inTime does what has to be done with a timer before it is due, with a new
// id each time the machine was too slow for that.
func inTime(t *testing.T, after time.Duration, do func(id string, due time.Time)) (id string, due time.Time) {
	t.Helper()
	for range 20 {
		id, due := event.NewID(), time.Now().Add(after)
		if do(id, due); time.Now().Before(due) {
			return id, due
		}
	}
	t.Fatalf("nothing was done within %v", after)
	return "", time.Time{}
}

func TestTimersAreReplacedAndCancelled(t *testing.T) {
	n := openNode(t, testConfig(t.TempDir()))
	r := newRinger()
	r.run(t, n)
	cancelled, due := inTime(t, 600*time.Millisecond, func(id string, due time.Time) {
		set(t, n, id, due, "never")
		set(t, n, id+".not", due, "kept")
		for range 2 { // the second time there is none
			if err := n.Timers().Cancel(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
	})
	replaced, _ := inTime(t, 600*time.Millisecond, func(id string, due time.Time) {
		set(t, n, id, due, "old")
		set(t, n, id, due.Add(600*time.Millisecond), "new")
	})
	set(t, n, "last", due.Add(1500*time.Millisecond), "")
	got := make(map[string]string)
	for n := 1; ; n++ {
		f := r.wait(t, n)[n-1]
		if f.id == "last" {
			break
		}
		got[f.id] = f.payload
	}
	if p, fired := got[cancelled]; fired {
		t.Errorf("a cancelled timer fired with %q", p)
	}
	if got[cancelled+".not"] != "kept" {
		t.Error("cancelling one timer cancelled another")
	}
	if got[replaced] != "new" {
		t.Errorf("a replaced timer fired with %q", got[replaced])
	}
}

func TestTimersSurviveRestarts(t *testing.T) {
	dir := t.TempDir()
	n := openNode(t, testConfig(dir))
	now := time.Now()
	set(t, n, "while-down", now.Add(300*time.Millisecond), "a")
	set(t, n, "later", now.Add(2500*time.Millisecond), "b")
	set(t, n, "cancelled", now.Add(2*time.Second), "c")
	if err := n.Timers().Cancel(t.Context(), "cancelled"); err != nil {
		t.Fatal(err)
	}
	closeNode(t, n)
	<-time.After(time.Until(now.Add(400 * time.Millisecond)))

	n = openNode(t, testConfig(dir))
	r := newRinger()
	stop := r.run(t, n)
	got := make(map[string]time.Time)
	for _, f := range r.wait(t, 2) {
		got[f.id] = f.at
	}
	if got["while-down"].IsZero() || got["later"].Before(now.Add(2500*time.Millisecond)) {
		t.Errorf("fired %v", got)
	}
	// What has fired does not fire again after the next restart.
	stop()
	closeNode(t, n)
	n = openNode(t, testConfig(dir))
	set(t, n, "end", time.Now(), "d")
	r = newRinger()
	r.run(t, n)
	if fired := r.wait(t, 1); fired[0].id != "end" {
		t.Errorf("fired again: %v", fired)
	}
}

func TestTimersComeAgainAfterAnError(t *testing.T) {
	n := openNode(t, testConfig(t.TempDir()))
	r := newRinger()
	r.fail["stubborn"] = 1
	r.run(t, n)
	set(t, n, "stubborn", time.Now(), "")
	fired := r.wait(t, 2)
	if gap := fired[1].at.Sub(fired[0].at); gap < firstAgain {
		t.Errorf("came again after %v", gap)
	}
}

// TestTimersAreHandedBack holds that a hub which stops while timers fire
// leaves them to be fired at once by the next.
func TestTimersAreHandedBack(t *testing.T) {
	n := openNode(t, testConfig(t.TempDir()))
	ctx, cancel := context.WithCancel(t.Context())
	started := make(chan struct{}, 3*fireAtOnce)
	done := make(chan error, 1)
	go func() {
		done <- n.Timers().Run(ctx, func(ctx context.Context, _ string, _ []byte) error {
			started <- struct{}{}
			<-ctx.Done()
			return context.Cause(ctx)
		})
	}()
	for range 3 * fireAtOnce {
		set(t, n, event.NewID(), time.Now(), "")
	}
	for range fireAtOnce {
		<-started
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("timers ended with %v", err)
	}
	if n := len(started); n != 0 {
		t.Errorf("%d more than %d fired at once", n, fireAtOnce)
	}
	r, start := newRinger(), time.Now()
	r.run(t, n)
	r.wait(t, 3*fireAtOnce)
	if took := time.Since(start); took > fireAckWait/2 {
		t.Errorf("the next hub had to wait %v", took)
	}
}

func TestTimerIDs(t *testing.T) {
	n := openNode(t, testConfig(t.TempDir()))
	for _, id := range []string{"", ".", "a.", ".a", "a..b", "a b", "a*", ">", "a\n", "ä", string(make([]byte, 200))} {
		if err := n.Timers().Set(t.Context(), id, time.Now(), nil); err == nil {
			t.Errorf("the id %q was accepted by Set", id)
		}
		if err := n.Timers().Cancel(t.Context(), id); err == nil {
			t.Errorf("the id %q was accepted by Cancel", id)
		}
	}
}

func TestTimersEndWithTheNode(t *testing.T) {
	n := openNode(t, testConfig(t.TempDir()))
	done := make(chan error, 1)
	go func() { done <- n.Timers().Run(t.Context(), newRinger().fire) }()
	closeNode(t, n)
	if err := <-done; !errors.Is(err, errClosed) {
		t.Errorf("timers ended with %v", err)
	}
}
