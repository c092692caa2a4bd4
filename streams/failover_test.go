package streams

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"everything.local/event"
)

// leaderOf returns the index of the node that leads the log.
func leaderOf(t *testing.T, configs []Config, through *Node) int {
	t.Helper()
	s, err := through.js.Stream(t.Context(), logStream)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range configs {
		if c.Cluster.Node == s.CachedInfo().Cluster.Leader {
			return i
		}
	}
	t.Fatalf("the log's leader is %+v", s.CachedInfo().Cluster)
	return 0
}

// TestClusterLosesNodes stops the leader while orders pour in, and brings it
// back; then stops two of three, and brings them back. Nobody above notices
// but by waiting.
func TestClusterLosesNodes(t *testing.T) {
	configs := clusterConfigs(t)
	nodes := openCluster(t, configs)
	first := leaderOf(t, configs, nodes[0])
	a, b := (first+1)%3, (first+2)%3

	if heard, ok := nodes[a].Leader(); !ok {
		t.Errorf("no leader is heard, the last was at %v", heard)
	}

	// One follower sees it all.
	const orders = 60
	var followed []string
	following := make(chan error, 1)
	enough := errors.New("enough")
	go func() {
		following <- nodes[b].Log().Tail(t.Context(), 0, func(e event.Event) error {
			followed = append(followed, e.Command.ID)
			if len(followed) == orders+1 {
				return enough
			}
			return nil
		})
	}()
	var answered []string
	order := func(n *Node) {
		id := event.NewID()
		if _, err := n.Log().Append(t.Context(), event.Command{ID: id}, orderPlaced(id, "ada", "Ada")); err != nil {
			t.Fatal(err)
		}
		answered = append(answered, id)
	}
	var stopping sync.WaitGroup
	for i := range orders {
		if i == orders/3 {
			stopping.Go(func() { closeNode(t, nodes[first]) })
		}
		order(nodes[a])
	}
	stopping.Wait()

	// Alone, a node can neither write nor show that what it has is new.
	closeNode(t, nodes[b])
	if err := <-following; !errors.Is(err, event.ErrUnavailable) && !errors.Is(err, enough) {
		t.Fatalf("tail: %v", err)
	}
	cmd := event.Command{ID: event.NewID()}
	last := orderPlaced(cmd.ID, "ada", "Ada")
	last.Event.Personal, last.Event.Customer = nil, ""
	short, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if r, err := nodes[a].Log().Append(short, cmd, last); !errors.Is(err, event.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("append without a quorum: %+v, %v", r, err)
	}
	if err := nodes[a].Probe(short); !errors.Is(err, event.ErrUnavailable) {
		t.Errorf("probe without a quorum: %v", err)
	}

	deadline := time.After(15 * time.Second)
	for _, ok := nodes[a].Leader(); ok; _, ok = nodes[a].Leader() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			t.Fatal("a node without a quorum still hears a leader")
		}
	}

	// Back again, the same command is stored once, whatever became of the
	// first try.
	var reopening sync.WaitGroup
	for _, i := range []int{first, b} {
		reopening.Go(func() {
			n, err := Open(t.Context(), configs[i])
			if err != nil {
				t.Errorf("reopen: %v", err)
				return
			}
			nodes[i] = n
			t.Cleanup(func() { closeNode(t, n) })
		})
	}
	if _, err := nodes[a].Log().Append(t.Context(), cmd, last); err != nil {
		t.Fatal(err)
	}
	answered = append(answered, cmd.ID)
	reopening.Wait()
	if t.Failed() {
		return
	}
	for i, n := range nodes {
		var seen []string
		err := n.Log().Tail(t.Context(), 0, func(e event.Event) error {
			if seen = append(seen, e.Command.ID); len(seen) == len(answered) {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) {
			t.Fatalf("node %d: %v", i, err)
		}
		for j, id := range answered {
			if seen[j] != id {
				t.Fatalf("node %d: event %d is of command %s, answered was %s", i, j+1, seen[j], id)
			}
		}
		if head, err := n.Log().Head(t.Context()); err != nil || head != uint64(len(answered)) {
			t.Errorf("node %d: the head is %d, %v; %d commands were answered", i, head, err, len(answered))
		}
	}
	for i, id := range followed {
		if answered[i] != id {
			t.Fatalf("followed %s as event %d, answered was %s", id, i+1, answered[i])
		}
	}
	if len(followed) == 0 {
		t.Error("the follower saw nothing")
	}
}
