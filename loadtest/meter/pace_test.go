package meter

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestPace sends each at its time, and does not forgive a stall: what was due
// while the sender was held up is sent at once, as due as it was.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var late []time.Duration
		err := pace(t.Context(), start, 20, 10, sleepUntil, func(n int, due time.Time) {
			if want := start.Add(time.Duration(n) * 50 * time.Millisecond); !due.Equal(want) {
				t.Errorf("%d is due after %v, want %v", n, due.Sub(start), want.Sub(start))
			}
			late = append(late, time.Since(due))
			if n == 3 {
				time.Sleep(170 * time.Millisecond)
			}
		})
		want := []time.Duration{0, 0, 0, 0, 120, 70, 20, 0, 0, 0}
		for n := range want {
			if late[n] != want[n]*time.Millisecond {
				t.Errorf("%d was %v late, want %v ms", n, late[n], want[n])
			}
		}
		if took := time.Since(start); err != nil || took != 450*time.Millisecond {
			t.Errorf("took %v, %v", took, err)
		}
	})
}

// TestPaceEnds ends with its context.
func TestPaceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		sent := 0
		err := pace(ctx, time.Now(), 10, 100, sleepUntil, func(int, time.Time) { sent++ })
		if !errors.Is(err, context.DeadlineExceeded) || sent < 10 || sent > 11 {
			t.Errorf("%d sent, %v", sent, err)
		}
	})
}
