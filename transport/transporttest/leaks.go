package transporttest

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"testing"
	"time"
)

// Settled runs a package's tests and then waits for their goroutines to end,
// for TestMain to exit with. What the tests started and did not wait for is a
// failure, with its stacks. A fuzzing run, whose own machinery stays, is not
// looked at.
func Settled(m *testing.M) int {
	before := runtime.NumGoroutine()
	code := m.Run()
	if f := flag.Lookup("test.fuzz"); f != nil && f.Value.String() != "" {
		return code
	}
	// Connections that were closed take a moment to be done with.
	const patience = 5 * time.Second
	for start := time.Now(); runtime.NumGoroutine() > before && time.Since(start) < patience; {
		runtime.Gosched()
	}
	if left := runtime.NumGoroutine(); code == 0 && left > before {
		fmt.Fprintf(os.Stderr, "%d goroutines before the tests, %d after:\n", before, left)
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		return 1
	}
	return code
}
