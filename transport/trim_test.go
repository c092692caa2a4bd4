package transport

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestTrim: memory is given back once a burst of connections is over, and not
// for a few, within one, or again and again.
func TestTrim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trim := newTrimmer()
		start := time.Now()
		times := make(chan time.Duration, 100)
		trim.give = func() { times <- time.Since(start) }
		const usual = 400
		percent := atomic.Int64{}
		percent.Store(usual)
		trim.collect = func(p int) int { return int(percent.Swap(int64(p))) }
		var given []time.Duration
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go trim.run(ctx)
		rest := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
			for len(times) > 0 {
				given = append(given, <-times)
			}
		}
		burst := func(n int, every time.Duration) {
			for range n {
				trim.connected()
				rest(every)
			}
		}
		burst(trimFrom-1, 0)
		rest(time.Minute)
		if len(given) != 0 {
			t.Errorf("given back after %v for fewer than make a burst", given)
		}
		burst(1000, trimQuiet/2)
		if len(given) != 0 || percent.Load() != burstGarbage {
			t.Errorf("given back after %v within a burst, garbage %d %%", given, percent.Load())
		}
		over := time.Since(start) - trimQuiet/2
		rest(time.Minute)
		if percent.Load() != usual {
			t.Errorf("garbage %d %% after a burst", percent.Load())
		}
		if len(given) != 1 || given[0] != over+trimQuiet {
			t.Errorf("given back after %v, want once %v after %v", given, trimQuiet, over)
		}
		for range 10 { // ten bursts within trimEvery
			burst(trimFrom, 0)
			rest(2 * trimQuiet)
		}
		rest(time.Minute)
		percent.Store(50)
		burst(trimFrom, 0)
		if percent.Load() != 50 {
			t.Errorf("in a burst garbage was raised to %d %%", percent.Load())
		}
		rest(time.Minute)
		if percent.Load() != 50 {
			t.Errorf("after it to %d %%", percent.Load())
		}
		given = given[:len(given)-1]
		if len(given) < 2 || len(given) > 4 {
			t.Errorf("given back %d times for ten bursts in %v, want every %v", len(given)-1, 20*trimQuiet, trimEvery)
		}
	})
}
