package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"everything.local/cafe"
	"everything.local/event"
)

const (
	// scheduleAhead is how long before a timer is due it is written to the
	// TIMERS stream. An order that is accepted and picked up sooner never has
	// one written and deleted again, some four fsyncs an order that wear out an
	// SD card; that orders are faster without them was not seen. Until then the topic timers has it, on every hub and after any
	// crash. It is long enough for another hub to take over and for a start.
	scheduleAhead = time.Minute
	// scheduleEvery is how often is looked for timers that are due soon enough.
	scheduleEvery = 10 * time.Second
)

// timerSetter is what timers are set in; streams.Timers is one.
type timerSetter interface {
	Set(ctx context.Context, id string, due time.Time, payload []byte) error
	Cancel(ctx context.Context, id string) error
}

// schedules keep a clock's timers equal to those of the topic timers that are
// due soon.
type schedules struct {
	clock timerSetter

	// mu is held for whole changes of the clock: a timer must not be set by one
	// goroutine after another one has cancelled it.
	mu sync.Mutex
	// later are the timers that the clock is not told yet. They are some of the
	// topic's, which bounds them.
	later map[string]later
}

type later struct {
	due     time.Time
	payload []byte
}

func newSchedules(c timerSetter) *schedules {
	return &schedules{clock: c, later: make(map[string]later)}
}

// change takes what has changed in the topic timers.
func (s *schedules) change(ctx context.Context, changed []event.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range changed {
		if e.Gone() {
			if err := s.cancel(ctx, e.Key); err != nil {
				return err
			}
			continue
		}
		var t cafe.Timer
		if err := json.Unmarshal(e.Value, &t); err != nil {
			return fmt.Errorf("timer %s: %w", e.Key, err)
		}
		due, err := event.ParseTime(t.Due)
		if err != nil {
			return fmt.Errorf("timer %s: %w", e.Key, err)
		}
		s.later[e.Key] = later{due, e.Value}
	}
	return s.set(ctx, time.Now())
}

// cancel forgets a timer, or cancels it if the clock may know it: this hub told
// it, now or before it was restarted, or another one did.
func (s *schedules) cancel(ctx context.Context, id string) error {
	if _, ok := s.later[id]; ok {
		delete(s.later, id)
		return nil
	}
	if err := s.clock.Cancel(ctx, id); err != nil {
		return fmt.Errorf("cancel timer %s: %w", id, err)
	}
	return nil
}

// set tells the clock the timers that are due soon.
func (s *schedules) set(ctx context.Context, now time.Time) error {
	for id, t := range s.later {
		if t.due.Sub(now) > scheduleAhead {
			continue
		}
		if err := s.clock.Set(ctx, id, t.due, t.payload); err != nil {
			return fmt.Errorf("set timer %s: %w", id, err)
		}
		delete(s.later, id)
	}
	return nil
}

// run looks from time to time which timers are due soon, until ctx ends.
func (s *schedules) run(ctx context.Context) error {
	tick := time.NewTicker(scheduleEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			if err := s.look(ctx, now); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *schedules) look(ctx context.Context, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set(ctx, now)
}
