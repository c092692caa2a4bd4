package streams

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"everything.local/event"

	"github.com/nats-io/nats.go/jetstream"
)

// sockets are the sockets this process has open.
func sockets(t *testing.T) map[string]bool {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil || len(links) == 0 {
		t.Fatalf("open files: %v, %v", links, err)
	}
	found := make(map[string]bool)
	for _, link := range links {
		// One that was closed meanwhile is none.
		if to, err := os.Readlink(link); err == nil && strings.HasPrefix(to, "socket:") {
			found[to] = true
		}
	}
	return found
}

func TestAloneOpensNoSocket(t *testing.T) {
	before := sockets(t)
	n := openNode(t, testConfig(t.TempDir()))
	if _, err := n.Log().Append(t.Context(), event.Command{ID: "a"}, orderPlaced("a", "ada", "Ada")); err != nil {
		t.Fatal(err)
	}
	for s := range sockets(t) {
		if !before[s] {
			t.Errorf("the node opened %s", s)
		}
	}
}

func TestProbeAndLeader(t *testing.T) {
	n := openNode(t, testConfig(t.TempDir()))
	probes := func() uint64 {
		s, err := n.js.Stream(t.Context(), probeStream)
		if err != nil {
			t.Fatal(err)
		}
		return s.CachedInfo().State.LastSeq
	}
	probe := func(want uint64) {
		t.Helper()
		if err := n.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := probes(); got != want {
			t.Errorf("%d probes were written, want %d", got, want)
		}
	}
	if _, err := n.Log().Append(t.Context(), event.Command{ID: "a"}, orderPlaced("a", "ada", "Ada")); err != nil {
		t.Fatal(err)
	}
	probe(0) // the append proved it
	n.log.written.Store(time.Now().Add(-probeEvery).UnixNano())
	probe(1)
	probe(1) // the probe proved it

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.Log().Append(ended, event.Command{ID: "b"}, orderPlaced("b", "ada", "Ada")); !errors.Is(err, event.ErrUnavailable) {
		t.Fatalf("append: %v", err)
	}
	probe(2) // since an append has failed

	if heard, ok := n.Leader(); !ok || time.Since(heard) > time.Second {
		t.Errorf("leader heard at %v, %v", heard, ok)
	}
	n.serverLog.Fatalf("disk on %s", "fire")
	if err := n.Probe(t.Context()); !errors.Is(err, event.ErrUnavailable) || !strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("probe after a fatal error of the server: %v", err)
	}
	closeNode(t, n)
	if err := n.Probe(t.Context()); !errors.Is(err, event.ErrUnavailable) {
		t.Errorf("probe of a closed node: %v", err)
	}
}

func TestClosedNode(t *testing.T) {
	n := openNode(t, testConfig(t.TempDir()))
	tailing := make(chan error, 1)
	go func() { tailing <- n.Log().Tail(t.Context(), 0, func(event.Event) error { return nil }) }()
	closeNode(t, n)
	closeNode(t, n) // twice is once
	if err := <-tailing; !errors.Is(err, event.ErrUnavailable) {
		t.Errorf("tail: %v", err)
	}
	_, errAppend := n.Log().Append(t.Context(), event.Command{ID: "a"}, orderPlaced("a", "ada", "Ada"))
	_, errRead := n.Log().Read(t.Context(), event.Subject{Kind: event.KindOrder, ID: "a"})
	_, errHead := n.Log().Head(t.Context())
	_, errForget := n.Log().Forget(t.Context(), "ada", "")
	errSet := n.Timers().Set(t.Context(), "a", time.Now(), nil)
	for _, err := range []error{errAppend, errRead, errHead, errForget, errSet} {
		if !errors.Is(err, event.ErrUnavailable) {
			t.Errorf("a closed node says %v", err)
		}
	}
	if _, ok := n.Leader(); ok {
		t.Error("a closed node hears its leader")
	}
}

func TestOnAppend(t *testing.T) {
	n := openNode(t, testConfig(t.TempDir()))
	var took []time.Duration
	var errs []error
	n.Log().OnAppend = func(d time.Duration, err error) { took, errs = append(took, d), append(errs, err) }
	w := orderPlaced("a", "ada", "Ada")
	_, first := n.Log().Append(t.Context(), event.Command{ID: "a"}, w)
	_, second := n.Log().Append(t.Context(), event.Command{ID: "b"}, w)
	if len(took) != 2 || took[0] <= 0 || errs[0] != nil || first != nil || !errors.Is(errs[1], second) || second == nil {
		t.Errorf("told %v, %v; answered %v, %v", took, errs, first, second)
	}
}

func TestServerLog(t *testing.T) {
	var out bytes.Buffer
	l := newServerLog(slog.New(slog.NewTextHandler(&out, nil)))
	if got := l.lastError(); !strings.Contains(got, "no error") {
		t.Errorf("last error is %q", got)
	}
	l.Noticef("detail %d", 1)
	l.Debugf("detail")
	l.Tracef("detail")
	l.Warnf("warning %d", 2)
	l.Errorf("error %d", 3)
	got := out.String()
	if strings.Contains(got, "detail") || !strings.Contains(got, `level=WARN msg=nats-server text="warning 2"`) ||
		!strings.Contains(got, `level=ERROR msg=nats-server text="error 3"`) || l.lastError() != "error 3" || l.fatal.Load() {
		t.Errorf("logged %s", got)
	}
}

// TestHighWater holds that the mark is on the disk after a crash, when there
// was no end to write it at.
func TestHighWater(t *testing.T) {
	dir := &directory{path: t.TempDir()}
	logger := slog.New(slog.DiscardHandler)
	h, err := openHighWater(dir, logger)
	if err != nil || h.begun() {
		t.Fatalf("new: %+v, %v", h, err)
	}
	if err := h.begin(); err != nil {
		t.Fatal(err)
	}
	h.reach(7)
	h.reach(5)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h.run(ctx)
	again, err := openHighWater(dir, logger)
	if err != nil || !again.begun() || again.stored != 7 {
		t.Errorf("again: %+v, %v", again, err)
	}
}

func TestLeads(t *testing.T) {
	peer := func(active time.Duration) *jetstream.PeerInfo { return &jetstream.PeerInfo{Active: active} }
	offline := &jetstream.PeerInfo{Offline: true}
	for _, tc := range []struct {
		name string
		info *jetstream.ClusterInfo
		want bool
	}{
		{"no cluster", nil, false},
		{"no leader", &jetstream.ClusterInfo{}, false},
		{"one replica", &jetstream.ClusterInfo{Leader: "a"}, true},
		{"all there", &jetstream.ClusterInfo{Leader: "a", Replicas: []*jetstream.PeerInfo{peer(0), peer(time.Second)}}, true},
		{"one lost", &jetstream.ClusterInfo{Leader: "a", Replicas: []*jetstream.PeerInfo{peer(0), peer(time.Minute)}}, true},
		{"two lost", &jetstream.ClusterInfo{Leader: "a", Replicas: []*jetstream.PeerInfo{offline, peer(time.Minute)}}, false},
	} {
		if got := leads(tc.info); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}
