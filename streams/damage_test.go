package streams

import (
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

// damagedEvents is how many events the log has before it is damaged.
const damagedEvents = 40

func orderPlaced(id, customer, name string) event.Write {
	return event.Write{
		Subject: event.Subject{Kind: event.KindOrder, ID: id},
		Event: event.Event{
			Type: "order.placed", Version: 1, By: "customer/a", Time: time.Unix(1_800_000_000, 0),
			Data:     []byte(`{"filler":"` + strings.Repeat(id, 10) + `"}`),
			Customer: customer, Personal: []byte(`{"name":"` + name + `"}`),
		},
	}
}

// filled is a closed directory with a log in it.
func filled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	n := openNode(t, testConfig(dir))
	for range damagedEvents {
		id := event.NewID()
		if _, err := n.Log().Append(t.Context(), event.Command{ID: id}, orderPlaced(id, "ada", "Ada")); err != nil {
			t.Fatal(err)
		}
	}
	closeNode(t, n)
	return dir
}

func streamDir(dir, stream string) string {
	return filepath.Join(dir, "jetstream", "$G", "streams", stream)
}

// all reads the whole log.
func all(t *testing.T, n *Node) (int, error) {
	t.Helper()
	done := errors.New("done")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	count := 0
	err := n.Log().Tail(ctx, 0, func(e event.Event) error {
		if count++; e.Seq != uint64(count) {
			t.Errorf("event %d has sequence %d", count, e.Seq)
		}
		if e.Forgotten {
			t.Errorf("event %d has lost its personal fields", e.Seq)
		}
		if count == damagedEvents {
			return done
		}
		return nil
	})
	if errors.Is(err, done) {
		err = nil
	}
	return count, err
}

// TestDamageIsNoticed holds that events which were there are never missing
// without a word.
func TestDamageIsNoticed(t *testing.T) {
	block := func(t *testing.T, dir string) string {
		names, err := filepath.Glob(filepath.Join(streamDir(dir, logStream), "msgs", "*.blk"))
		if err != nil || len(names) != 1 {
			t.Fatalf("the log's blocks: %v, %v", names, err)
		}
		return names[0]
	}
	edit := func(t *testing.T, name string, change func([]byte) []byte) {
		b, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(name, change(b), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	remove := func(t *testing.T, names ...string) {
		for _, name := range names {
			if err := os.RemoveAll(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	index := func(dir string) string { return filepath.Join(streamDir(dir, logStream), "msgs", "index.db") }
	half := func(b []byte) []byte { return b[:len(b)/2] }
	flip := func(b []byte) []byte { b[len(b)/2] ^= 1; return b }
	for _, tc := range []struct {
		name   string
		damage func(t *testing.T, dir string)
	}{
		{"block cut", func(t *testing.T, dir string) { edit(t, block(t, dir), half) }},
		{"block cut, no index", func(t *testing.T, dir string) { edit(t, block(t, dir), half); remove(t, index(dir)) }},
		{"block emptied", func(t *testing.T, dir string) {
			edit(t, block(t, dir), func([]byte) []byte { return nil })
			remove(t, index(dir))
		}},
		{"bit flipped", func(t *testing.T, dir string) { edit(t, block(t, dir), flip) }},
		{"bit flipped, no index", func(t *testing.T, dir string) { edit(t, block(t, dir), flip); remove(t, index(dir)) }},
		{"block gone", func(t *testing.T, dir string) { remove(t, block(t, dir)) }},
		{"block and index gone", func(t *testing.T, dir string) { remove(t, block(t, dir), index(dir)) }},
		{"meta gone", func(t *testing.T, dir string) { remove(t, filepath.Join(streamDir(dir, logStream), "meta.inf")) }},
		{"meta changed", func(t *testing.T, dir string) { edit(t, filepath.Join(streamDir(dir, logStream), "meta.inf"), flip) }},
		{"stream gone", func(t *testing.T, dir string) { remove(t, streamDir(dir, logStream)) }},
		{"keys gone", func(t *testing.T, dir string) { remove(t, streamDir(dir, keysStream)) }},
		{"everything gone", func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "jetstream")) }},
		{"mark cut", func(t *testing.T, dir string) { edit(t, filepath.Join(dir, "highwater.json"), half) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filled(t)
			tc.damage(t, dir)
			n, err := Open(t.Context(), testConfig(dir))
			if err != nil {
				t.Logf("open: %v", err)
				if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), dir) {
					t.Errorf("open: %v", err)
				}
				return
			}
			defer closeNode(t, n)
			count, err := all(t, n)
			t.Logf("%d events, %v", count, err)
			if count != damagedEvents && !errors.Is(err, event.ErrDamaged) {
				t.Errorf("%d of %d events came, then %v", count, damagedEvents, err)
			}
		})
	}
}

// TestMissingEvent holds that a tail stops at a hole, and that the next Open
// finds it.
func TestMissingEvent(t *testing.T) {
	dir := t.TempDir()
	c := testConfig(dir)
	c.Logger = slog.New(slog.DiscardHandler)
	// The log as it should be cannot be deleted from, so make another one.
	s, conn, err := startServer(t.Context(), c, newServerLog(c.Logger))
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: logStream, Subjects: []string{logPrefix + ">"}}); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	stopServer(s)

	n := openNode(t, c)
	for range damagedEvents {
		id := event.NewID()
		if _, err := n.Log().Append(t.Context(), event.Command{ID: id}, orderPlaced(id, "ada", "Ada")); err != nil {
			t.Fatal(err)
		}
	}
	stream, err := n.js.Stream(t.Context(), logStream)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	if count, err := all(t, n); count != 2 || !errors.Is(err, event.ErrDamaged) {
		t.Errorf("tail gave %d events, then %v", count, err)
	}
	closeNode(t, n)
	if _, err := Open(t.Context(), c); !errors.Is(err, ErrDamaged) {
		t.Errorf("open: %v", err)
	}
}
