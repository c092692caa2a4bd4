package main

import (
	"context"
	"time"
)

// expectBudget is how long a guest's sign-in waits for their key at most. It
// is one write to the disk; whoever signs in while the log takes none is let in
// without, and gets it with their first order.
const expectBudget = 250 * time.Millisecond

// expect prepares for a guest's first order while they still choose.
func (a *app) expect(ctx context.Context, customer string) {
	ctx, cancel := context.WithTimeout(ctx, expectBudget)
	defer cancel()
	if err := a.node.Log().Expect(ctx, customer); err != nil {
		a.log.Debug("a guest's key has to wait for their first order", "error", err)
	}
}
