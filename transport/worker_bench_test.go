package transport

import (
	"fmt"
	"sync"
	"testing"
)

// BenchmarkPass is an event and its delivery to 1,000 sessions of each worker,
// without what a socket costs: what the lock of the fold lets two cores do at
// once.
func BenchmarkPass(b *testing.B) {
	const each = 1000
	for _, n := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", n), func(b *testing.B) {
			w := newBench(b, 8)
			workers := []*worker{w.worker, {stall: w.worker.stall, bell: make(chan struct{}, 1), counters: w.worker.counters}}[:n]
			for _, worker := range workers {
				w.worker = worker
				for range each {
					w.follow(b)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				w.happen(b)
				var passes sync.WaitGroup
				for _, worker := range workers {
					passes.Go(worker.pass)
				}
				passes.Wait()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n*each), "ns/delivery")
		})
	}
}
