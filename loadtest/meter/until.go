package meter

import (
	"context"
	"time"
)

// fine is how much of a wait is left to the kernel. The runtime's own timers
// are up to a millisecond late in a process that has nothing else to do, whose
// poller waits for whole ones, and a latency that counts from when something
// was due would have that in it.
const fine = 2 * time.Millisecond

// Until waits until an instant, which it misses by some ten microseconds on
// Linux. It returns ctx's cause when that ends first.
func Until(ctx context.Context, at time.Time) error {
	if err := sleepUntil(ctx, at.Add(-fine)); err != nil {
		return err
	}
	if left := time.Until(at); left > 0 {
		return sleep(left)
	}
	return nil
}

// sleepUntil waits as exactly as the runtime does.
func sleepUntil(ctx context.Context, at time.Time) error {
	left := time.Until(at)
	if left <= 0 {
		return context.Cause(ctx)
	}
	t := time.NewTimer(left)
	defer t.Stop()
	select {
	case <-t.C:
		return context.Cause(ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
