package streams

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"everything.local/event"
)

// onDisk names the files below dir that contain b.
func onDisk(t *testing.T, dir string, b []byte) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		if bytes.Contains(content, b) {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestForgetLeavesNothing holds that names are nowhere on the disk, and keys
// only until they are forgotten.
func TestForgetLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	n := openNode(t, testConfig(dir))
	customer := event.NewID()
	others := func() { // so that the key is not alone in its file
		for range 5 {
			id := event.NewID()
			if _, err := n.Log().Append(t.Context(), event.Command{ID: id}, orderPlaced(id, id, "Bob")); err != nil {
				t.Fatal(err)
			}
		}
	}
	others()
	for _, name := range []string{"Adelheid", "Adelheid L."} {
		id := event.NewID()
		if _, err := n.Log().Append(t.Context(), event.Command{ID: id}, orderPlaced(id, customer, name)); err != nil {
			t.Fatal(err)
		}
	}
	if names := onDisk(t, dir, []byte("Adelheid")); len(names) != 0 {
		t.Errorf("a name is in %v", names)
	}
	others()
	key, _, err := n.keys.load(t.Context(), customer)
	if err != nil || key == nil {
		t.Fatalf("the key: %v, %v", key, err)
	}
	if names := onDisk(t, dir, key[:]); len(names) == 0 || !strings.Contains(names[0], keysStream) {
		t.Fatalf("the key is in %v", names)
	}
	if id, err := n.Log().Forget(t.Context(), customer, key.ID()); err != nil || id != key.ID() {
		t.Fatalf("forget: %q, %v", id, err)
	}
	if names := onDisk(t, dir, key[:]); len(names) != 0 {
		t.Errorf("the forgotten key is still in %v", names)
	}
	closeNode(t, n)
	if names := onDisk(t, dir, key[:]); len(names) != 0 {
		t.Errorf("the forgotten key is in %v after the end", names)
	}
}

// TestCachedKeys holds that the cache is bounded, and that a key read before
// its deletion does not get in after it.
func TestCachedKeys(t *testing.T) {
	n := openNode(t, testConfig(t.TempDir()))
	k := newKeys(n) // which does not watch, so that only the test evicts
	subject := event.Subject{Kind: event.KindOrder, ID: "a"}
	sealed, err := k.seal(t.Context(), "ada", subject, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	k.evict("ada") // it is to be asked for
	for i := range cachedKeys {
		k.cache[string(rune('a'+i%26))+event.NewID()] = event.Key{}
	}
	for range 2 {
		e := event.Event{Subject: subject}
		if err := k.open(t.Context(), &e, sealed); err != nil || string(e.Personal) != `{}` {
			t.Errorf("opened %q, %v", e.Personal, err)
		}
	}
	if _, ok := k.cache["ada"]; !ok || len(k.cache) != cachedKeys {
		t.Errorf("the cache holds %d keys, ada's: %v", len(k.cache), ok)
	}
	asked := k.evictions
	k.evict("ada")
	k.remember("ada", event.NewKey(), asked)
	if _, ok := k.cache["ada"]; ok {
		t.Error("an evicted key is in the cache")
	}
}

// TestTailAsksAgain holds that a tail begun after a Forget does not open with
// what is left in this hub's cache, however late its news are.
func TestTailAsksAgain(t *testing.T) {
	n := openNode(t, testConfig(t.TempDir()))
	if _, err := n.Log().Append(t.Context(), event.Command{ID: "a"}, orderPlaced("a", "ada", "Ada")); err != nil {
		t.Fatal(err)
	}
	key, _, err := n.keys.load(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Log().Forget(t.Context(), "ada", ""); err != nil {
		t.Fatal(err)
	}
	n.keys = newKeys(n) // to which no news come
	n.keys.cache["ada"] = *key
	seen := errors.New("seen")
	err = n.Log().Tail(t.Context(), 0, func(e event.Event) error {
		if !e.Forgotten || e.Personal != nil {
			t.Errorf("read %+v", e)
		}
		return seen
	})
	if !errors.Is(err, seen) {
		t.Error(err)
	}
}

// TestForgottenElsewhere holds that a key deleted by another hub leaves the
// cache without anybody asking.
func TestForgottenElsewhere(t *testing.T) {
	n := openNode(t, testConfig(t.TempDir()))
	other := newKeys(n)
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { other.watch(ctx, 0) })
	defer watching.Wait()
	defer cancel()
	subject := event.Subject{Kind: event.KindOrder, ID: "a"}
	sealed, err := n.keys.seal(t.Context(), "ada", subject, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	cached := func() bool {
		other.mu.Lock()
		defer other.mu.Unlock()
		_, ok := other.cache["ada"]
		return ok
	}
	e := event.Event{Subject: subject}
	for !cached() { // the news of the key itself may evict it once
		if err := other.open(t.Context(), &e, sealed); err != nil || e.Forgotten {
			t.Fatalf("open: %+v, %v", e, err)
		}
	}
	if _, err := n.Log().Forget(t.Context(), "ada", ""); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(10 * time.Second)
	for cached() {
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatal("the forgotten key is still in the cache of the other hub")
		}
	}
	if err := other.open(t.Context(), &e, sealed); err != nil || !e.Forgotten {
		t.Errorf("opened %+v, %v", e, err)
	}
}

// TestSealAfterForget holds that a node alone, which seals from its cache, does
// not seal with a key that it has deleted.
func TestSealAfterForget(t *testing.T) {
	dir := t.TempDir()
	n := openNode(t, testConfig(dir))
	place := func(id string) {
		t.Helper()
		if _, err := n.Log().Append(t.Context(), event.Command{ID: id}, orderPlaced(id, "ada", "Ada")); err != nil {
			t.Fatal(err)
		}
	}
	place("a")
	place("b")
	if key, ok, _ := n.keys.cached("ada"); !ok {
		t.Error("a key that has just sealed is not in the cache")
	} else if id, err := n.Log().Forget(t.Context(), "ada", ""); err != nil || id != key.ID() {
		t.Errorf("forget: %q, %v", id, err)
	}
	place("c")
	closeNode(t, n)
	n = openNode(t, testConfig(dir)) // where no cache hides what is on the disk
	for id, forgotten := range map[string]bool{"a": true, "b": true, "c": false} {
		events, err := n.Log().Read(t.Context(), event.Subject{Kind: event.KindOrder, ID: id})
		if err != nil || len(events) != 1 || events[0].Forgotten != forgotten {
			t.Errorf("%s: %+v, %v; want forgotten %v", id, events, err, forgotten)
		}
	}
}

// TestExpectedCustomer holds that who is expected has a key by the first order,
// the same for however often they are expected, and none once forgotten.
func TestExpectedCustomer(t *testing.T) {
	n := openNode(t, testConfig(t.TempDir()))
	for range 2 {
		if err := n.Log().Expect(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
	}
	at, err := n.keys.head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Log().Append(t.Context(), event.Command{ID: "a"}, orderPlaced("a", "ada", "Ada")); err != nil {
		t.Fatal(err)
	}
	if after, err := n.keys.head(t.Context()); err != nil || after != at || at != 1 {
		t.Errorf("the keys went to %d, then with an order to %d, %v; one key is one write", at, after, err)
	}
	if id, err := n.Log().Forget(t.Context(), "ada", ""); err != nil || id == "" {
		t.Errorf("forgot %q, %v", id, err)
	}
	events, err := n.Log().Read(t.Context(), event.Subject{Kind: event.KindOrder, ID: "a"})
	if err != nil || len(events) != 1 || !events[0].Forgotten {
		t.Errorf("read %+v, %v", events, err)
	}
}
