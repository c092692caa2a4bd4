package main

import (
	"context"
	"time"
)

const (
	// expectBudget is how long a guest's sign-in waits for their key at most. It
	// is one write to the disk; whoever signs in while the log takes none is let
	// in without, and gets it with their first order.
	expectBudget = 250 * time.Millisecond
	// mostExpected is how many keys are made ahead at once. Of a crowd that
	// signs in together the rest get theirs with their first orders, or on an SD
	// card, 30 ms a write, those who order first would wait for the keys of all.
	mostExpected = 4
)

// expect prepares for a guest's first order while they still choose.
func (a *app) expect(ctx context.Context, customer string) {
	select {
	case a.expecting <- struct{}{}:
		defer func() { <-a.expecting }()
	default:
		return
	}
	ctx, cancel := context.WithTimeout(ctx, expectBudget)
	defer cancel()
	if err := a.node.Log().Expect(ctx, customer); err != nil {
		a.log.Debug("a guest's key has to wait for their first order", "error", err)
	}
}
