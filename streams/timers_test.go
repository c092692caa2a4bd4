package streams

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
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
	due := map[string]time.Time{}
	start := time.Now()
	for i, id := range []string{"accept.a1", "pickup.a1", "accept/b2", "x", "y", "z"} {
		// Fractions of a second, some closer than the server's own floor.
		due[id] = start.Add(time.Duration(100+i*333) * time.Millisecond)
		set(t, n, id, due[id], "p "+id)
	}
	set(t, n, "past", start.Add(-time.Hour), "p past")
	due["past"] = time.Now()

	// One may be late when the machine is busy elsewhere, most may not.
	late := 0
	for _, f := range r.wait(t, len(due)) {
		by := f.at.Sub(due[f.id])
		if f.id != "past" && by < 0 {
			t.Errorf("%s fired %v early", f.id, -by)
		}
		if by > 500*time.Millisecond {
			late++
		}
		if f.payload != "p "+f.id {
			t.Errorf("%s fired with %q", f.id, f.payload)
		}
	}
	if late > 1 {
		t.Errorf("%d of %d timers were more than 0.5 s late", late, len(due))
	}
}

func TestTimersAreReplacedAndCancelled(t *testing.T) {
	n := openNode(t, testConfig(t.TempDir()))
	r := newRinger()
	r.run(t, n)
	now := time.Now()
	set(t, n, "replaced", now.Add(600*time.Millisecond), "old")
	set(t, n, "replaced", now.Add(1200*time.Millisecond), "new")
	set(t, n, "cancelled", now.Add(600*time.Millisecond), "never")
	set(t, n, "cancelled.not", now.Add(700*time.Millisecond), "kept")
	for range 2 { // the second time there is none
		if err := n.Timers().Cancel(t.Context(), "cancelled"); err != nil {
			t.Fatal(err)
		}
	}
	set(t, n, "last", now.Add(1800*time.Millisecond), "end")
	var got []string
	for _, f := range r.wait(t, 3) {
		got = append(got, f.id+" "+f.payload)
	}
	want := []string{"cancelled.not kept", "replaced new", "last end"}
	if !slices.Equal(got, want) {
		t.Errorf("fired %q, want %q", got, want)
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
	fired := r.wait(t, 2)
	if fired[0].id != "while-down" || fired[1].id != "later" {
		t.Errorf("fired %v", fired)
	}
	if early := time.Until(now.Add(2500 * time.Millisecond)); early > 0 {
		t.Errorf("fired %v early", early)
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
