package streams

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

func TestCheckpoints(t *testing.T) {
	var log bytes.Buffer
	c := &Checkpoints{filepath.Join(t.TempDir(), "checkpoint"), slog.New(slog.NewTextHandler(&log, nil))}
	if b, err := c.Load(); b != nil || err != nil {
		t.Fatalf("load of nothing: %q, %v", b, err)
	}
	for _, want := range [][]byte{[]byte("one\ntwo"), bytes.Repeat([]byte{0, 1, '\n'}, 1<<16), {}} {
		if err := c.Save(want); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Load(); err != nil || got == nil || !bytes.Equal(got, want) {
			t.Errorf("load after save of %d bytes: %d bytes, %v", len(want), len(got), err)
		}
	}
	if log.Len() != 0 {
		t.Errorf("logged %s", &log)
	}
	left, err := filepath.Glob(c.name + ".*")
	if err != nil || len(left) != 0 {
		t.Errorf("saving left %v, %v", left, err)
	}
}

// TestDamagedCheckpoint flips each bit and cuts at each place.
func TestDamagedCheckpoint(t *testing.T) {
	var log bytes.Buffer
	c := &Checkpoints{filepath.Join(t.TempDir(), "checkpoint"), slog.New(slog.NewTextHandler(&log, nil))}
	if err := c.Save([]byte("precious")); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(c.name)
	if err != nil {
		t.Fatal(err)
	}
	damaged := func(what string, b []byte) {
		t.Helper()
		log.Reset()
		if err := os.WriteFile(c.name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Load(); got != nil || err != nil || log.Len() == 0 {
			t.Fatalf("%s: loaded %q, %v, logged %q", what, got, err, &log)
		}
	}
	for i := range whole {
		damaged("cut", whole[:i])
		flipped := bytes.Clone(whole)
		flipped[i] ^= 1 << (i % 8)
		damaged("flipped", flipped)
	}
}
