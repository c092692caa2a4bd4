package meter

import (
	"context"
	"time"
)

// Pace calls send count times, the n-th at start + n/rate, however long what
// send began takes: it must return at once. Where it was late it catches up
// without leaving one out, and each is told when it was due, from which latency
// counts: so a hub that stalls is not spared the load it would have had.
func Pace(ctx context.Context, start time.Time, rate float64, count int, send func(n int, due time.Time)) error {
	return pace(ctx, start, rate, count, Until, send)
}

// pace is Pace by another clock.
func pace(ctx context.Context, start time.Time, rate float64, count int, until func(context.Context, time.Time) error, send func(n int, due time.Time)) error {
	for n := range count {
		due := start.Add(time.Duration(float64(n) / rate * float64(time.Second)))
		if err := until(ctx, due); err != nil {
			return err
		}
		send(n, due)
	}
	return nil
}
