package main

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"everything.local/auth"
	"everything.local/cmd/hub/demo"
	"everything.local/event"
)

// TestDemoMorning runs the simulated morning fast: orders go all the way from
// placed to picked up, through the public API.
func TestDemoMorning(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), "--mode", "test")
	ctx, stop := context.WithTimeout(t.Context(), startWithin)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- demo.Run(ctx, demo.Config{
			URL: p.url, Client: p.client, Speed: 100, Rand: rand.New(rand.NewPCG(1, 2)),
			Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
			Token: func(role, sub string) (string, error) {
				return p.token(auth.Role(role), sub), nil
			},
		})
	}()
	picked := 0
	err := p.feed(ctx, p.token(auth.Display, "tv"), "topics=kitchen", func(f event.Frame) bool {
		if f.Key != "" && f.Value == nil {
			picked++
		}
		return picked >= 10
	})
	if err != nil {
		t.Errorf("after %d orders: %v", picked, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestDemoCommand starts hub serve --demo and waits for a first order.
func TestDemoCommand(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), "--demo")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := p.feed(ctx, "", "topics=board", func(f event.Frame) bool { return f.Key != "" }); err != nil {
		t.Error(err)
	}
	if _, err := p.stop(); err != nil {
		t.Error(err)
	}
}
