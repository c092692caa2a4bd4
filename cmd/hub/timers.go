package main

import (
	"context"
	"encoding/json"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"everything.local/api"
	"everything.local/cafe"
	"everything.local/event"
	"everything.local/hub"
	"everything.local/streams"
)

// clockwork keeps the schedules of the log's TIMERS stream equal to the topic
// timers, which the fold derives from the log, and turns a due one into a
// command. A timer may come due twice or on several hubs at once: its command
// id derives from it, so it is decided once.
type clockwork struct {
	hub    *hub.Hub
	api    *api.API
	timers *streams.Timers
	log    *slog.Logger
}

// run works until ctx ends.
func (c *clockwork) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	s := newSchedules(c.timers)
	group.Go(func() error {
		return c.hub.Watch(ctx, event.Timers, func(changed []event.Entry) error { return s.change(ctx, changed) })
	})
	group.Go(func() error { return s.run(ctx) })
	group.Go(func() error { return c.timers.Run(ctx, c.fire) })
	return group.Wait()
}

// fire gives the command of a due timer. An error has it fired again; a
// refusal does not, for it will not be otherwise the next time.
func (c *clockwork) fire(ctx context.Context, id string, payload []byte) error {
	var t cafe.Timer
	if err := json.Unmarshal(payload, &t); err != nil {
		c.log.Error("a timer cannot be read", "timer", id, "error", err)
		return nil
	}
	_, err := c.api.Do(ctx, cafe.Elapse{Timer: t}, byHub, commandOf("timer", t.ID))
	switch code := event.CodeOf(err); code {
	case event.Unavailable, event.Behind, event.Internal, event.UpgradeNeeded, event.Conflict:
		return err
	case "":
	default:
		c.log.Warn("a timer was refused", "timer", id, "code", string(code))
	}
	return nil
}
