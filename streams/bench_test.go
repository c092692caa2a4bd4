package streams

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"everything.local/event"
)

// BenchmarkAppend is an order with a name, the write a customer waits for, by
// as many callers at a time. It takes turns with its floor, a write of 500 B
// and an fsync in the same directory, and reports how many of those one append
// takes.
func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			n := openNode(b, testConfig(b.TempDir()))
			benchmarkAppend(b, n, callers)
		})
	}
}

// BenchmarkAppendThreeReplicas is the same through one of three nodes.
func BenchmarkAppendThreeReplicas(b *testing.B) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			benchmarkAppend(b, openCluster(b, clusterConfigs(b))[0], callers)
		})
	}
}

func benchmarkAppend(b *testing.B, n *Node, callers int) {
	// A turn is long enough for all callers to be in it, and short enough for
	// the floor to see the same machine.
	const turn, floorTurn = 256, 64
	floor, synced := newFloor(b), time.Duration(0)
	b.ReportAllocs()
	b.ResetTimer()
	turns := 0
	for done := 0; done < b.N; done += turn {
		b.StopTimer()
		synced += floor(b, floorTurn)
		turns++
		b.StartTimer()
		appendMany(b, n.Log(), callers, min(turn, b.N-done))
	}
	b.StopTimer()
	fsync := float64(synced) / float64(turns*floorTurn)
	b.ReportMetric(fsync, "ns/fsync")
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/fsync, "fsyncs/append")
}

// appendMany appends n orders by as many callers at a time.
func appendMany(b *testing.B, l *Log, callers, n int) {
	var wg sync.WaitGroup
	var next atomic.Int64
	for range callers {
		wg.Go(func() {
			for next.Add(1) <= int64(n) {
				id := event.NewID()
				if _, err := l.Append(b.Context(), event.Command{ID: id}, orderPlaced(id, "ada", "Ada")); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// newFloor returns what writes and syncs n times and says how long that took.
func newFloor(b *testing.B) func(b *testing.B, n int) time.Duration {
	f, err := os.Create(filepath.Join(b.TempDir(), "f"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = f.Close() })
	data := make([]byte, 500)
	return func(b *testing.B, n int) time.Duration {
		began := time.Now()
		for range n {
			if _, err := f.Write(data); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(began)
	}
}
