package streams

import (
	"os"
	"path/filepath"
	"testing"

	"everything.local/event"
)

// BenchmarkAppend is an order with a name, the write a customer waits for.
func BenchmarkAppend(b *testing.B) {
	n := openNode(b, testConfig(b.TempDir()))
	for b.Loop() {
		id := event.NewID()
		if _, err := n.Log().Append(b.Context(), event.Command{ID: id}, orderPlaced(id, "ada", "Ada")); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSyncedWrite is the floor of BenchmarkAppend.
func BenchmarkSyncedWrite(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "f"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	data := make([]byte, 500)
	for b.Loop() {
		if _, err := f.Write(data); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}
