// Package demo is a simulated café morning: customers who arrive by chance,
// with a rush, and baristas who work their orders off. It is a black box
// outside the hub and uses nothing but its public HTTP API, so what a screen
// shows during a demo came by the road every order takes.
package demo

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// Config is what a morning needs.
type Config struct {
	// URL is the hub's, without a path.
	URL string
	// Client reaches it; it has to trust its certificate.
	Client *http.Client
	// Token signs a token for a role ("customer", "barista") and subject.
	Token func(role, subject string) (string, error)
	// Rand makes the morning repeatable; nil for another one each time.
	Rand   *rand.Rand
	Logger *slog.Logger
	// Speed divides every wait: 1 is a real morning, tests run faster.
	Speed float64
}

// baristas work at once; each makes one order at a time.
const baristas = 2

// A morning repeats every cycle: quiet, a rush, quiet again. At the peak the
// two baristas fall behind a little, so that the queue is seen to grow.
const (
	cycle    = 12 * time.Minute
	rushAt   = 4 * time.Minute
	rushHalf = 90 * time.Second // the bell's standard deviation
	// Orders a minute.
	quietRate, peakRate = 2.5, 9
)

// Run lives through mornings until ctx ends.
func Run(ctx context.Context, c Config) error {
	if c.Rand == nil {
		c.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	if c.Speed == 0 {
		c.Speed = 1
	}
	group, ctx := errgroup.WithContext(ctx)
	shop, err := newShop(c)
	if err != nil {
		return err
	}
	group.Go(func() error { return shop.follow(ctx) })
	for range baristas {
		group.Go(func() error { return shop.work(ctx) })
	}
	group.Go(func() error { return arrivals(ctx, c) })
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// rate is how many customers a minute arrive at a time of the morning.
func rate(at time.Duration) float64 {
	x := float64(at%cycle-rushAt) / float64(rushHalf)
	return quietRate + (peakRate-quietRate)*math.Exp(-x*x/2)
}

// arrivals is a Poisson process whose rate changes: candidates come at the
// peak's rate and are thinned (Lewis and Shedler, 1979).
func arrivals(ctx context.Context, c Config) error {
	var visits errgroup.Group
	defer func() { _ = visits.Wait() }()
	visits.SetLimit(64) // customers in the shop at once; more wait outside
	regulars, err := newRegulars(c)
	if err != nil {
		return err
	}
	for at := time.Duration(0); ; {
		gap := time.Duration(c.Rand.ExpFloat64() / peakRate * float64(time.Minute))
		at += gap
		if err := pause(ctx, gap, c.Speed); err != nil {
			return err
		}
		if c.Rand.Float64()*peakRate > rate(at) {
			continue
		}
		visit := regulars.next()
		visits.Go(func() error {
			if err := visit.order(ctx); err != nil && ctx.Err() == nil {
				c.Logger.Warn("demo: an order failed", "error", err)
			}
			return nil
		})
	}
}

// pause waits d at the demo's speed.
func pause(ctx context.Context, d time.Duration, speed float64) error {
	t := time.NewTimer(time.Duration(float64(d) / speed))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
