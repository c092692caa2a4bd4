package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// shop is what the baristas see: the kitchen topic, followed like any screen.
type shop struct {
	config Config
	token  string

	mu      sync.Mutex
	rand    *rand.Rand
	tickets map[string]*ticket
	changed chan struct{} // capacity 1: a wake-up for one idle barista
}

type ticket struct {
	ID       string `json:"id"`
	Number   int    `json:"number"`
	Status   string `json:"status"`
	PlacedAt string `json:"placed_at"`
	Items    []struct {
		Quantity int `json:"quantity"`
	} `json:"items"`
	taken bool // by a barista
}

func newShop(c Config) (*shop, error) {
	token, err := c.Token("barista", "demo-barista")
	if err != nil {
		return nil, err
	}
	return &shop{
		config: c, token: token, tickets: map[string]*ticket{}, changed: make(chan struct{}, 1),
		rand: rand.New(rand.NewPCG(c.Rand.Uint64(), 1)),
	}, nil
}

// follow keeps the tickets up to date, across restarts of the hub.
func (s *shop) follow(ctx context.Context) error {
	for {
		err := s.stream(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			s.config.Logger.Warn("demo: the kitchen's feed ended", "error", err)
		}
		if err := pause(ctx, time.Second, 1); err != nil {
			return err
		}
	}
}

func (s *shop) stream(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.config.URL+"/v1/feed?topics=kitchen", nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/x-ndjson")
	r.Header.Set("Authorization", "Bearer "+s.token)
	answer, err := s.config.Client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return refusal(http.MethodGet, "/v1/feed", answer)
	}
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := s.take(lines.Bytes()); err != nil {
			return err
		}
	}
	return lines.Err()
}

// take folds one frame.
func (s *shop) take(frame []byte) error {
	var f struct {
		Reset bool            `json:"reset"`
		Key   string          `json:"key"`
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(frame, &f); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case f.Reset:
		clear(s.tickets)
	case f.Key == "":
	case f.Value == nil:
		delete(s.tickets, f.Key)
	default:
		t := &ticket{}
		if err := json.Unmarshal(f.Value, t); err != nil {
			return err
		}
		if old := s.tickets[f.Key]; old != nil {
			t.taken = old.taken
		}
		s.tickets[f.Key] = t
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
	return nil
}

// work is a barista's morning: the oldest ticket nobody has, start to finish.
func (s *shop) work(ctx context.Context) error {
	// Looked at now and then even unwoken: a wake-up is for one barista only.
	var pickups sync.WaitGroup // customers on their way to the counter
	defer pickups.Wait()
	look := time.NewTicker(time.Duration(float64(2*time.Second) / s.config.Speed))
	defer look.Stop()
	for {
		for t := s.claim(); t != nil; t = s.claim() {
			ready, err := s.make(ctx, t)
			if err != nil {
				return err
			}
			if ready {
				pickups.Go(func() { s.pickup(ctx, t) })
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.changed:
		case <-look.C:
		}
	}
}

func (s *shop) claim() *ticket {
	s.mu.Lock()
	defer s.mu.Unlock()
	var oldest *ticket
	for _, t := range s.tickets {
		if !t.taken && (oldest == nil || t.PlacedAt < oldest.PlacedAt) {
			oldest = t
		}
	}
	if oldest != nil {
		oldest.taken = true
	}
	return oldest
}

// make takes a ticket through what is left of its making and reports whether
// it stands on the counter. A refusal ends it: somebody was faster.
func (s *shop) make(ctx context.Context, t *ticket) (ready bool, err error) {
	drinks := 0
	for _, l := range t.Items {
		drinks += l.Quantity
	}
	steps := []struct {
		from, do string
		after    time.Duration
	}{
		{"placed", "accept", s.between(time.Second, 3*time.Second)},
		{"accepted", "start", s.between(time.Second, 3*time.Second)},
		{"preparing", "ready", time.Duration(max(drinks, 1)) * s.between(5*time.Second, 9*time.Second)},
	}
	begun := t.Status == "ready"
	for _, step := range steps {
		if begun = begun || t.Status == step.from; !begun || t.Status == "ready" {
			continue
		}
		if err := pause(ctx, step.after, s.config.Speed); err != nil {
			return false, err
		}
		if ok, err := s.step(ctx, t, step.do); !ok || err != nil {
			return false, err
		}
	}
	return begun, nil
}

// pickup is the customer coming to the counter.
func (s *shop) pickup(ctx context.Context, t *ticket) {
	if pause(ctx, s.between(6*time.Second, 40*time.Second), s.config.Speed) == nil {
		_, _ = s.step(ctx, t, "pickup") // step has said what went wrong
	}
}

// step does one thing to an order and reports whether it is done.
func (s *shop) step(ctx context.Context, t *ticket, do string) (bool, error) {
	err := call(ctx, s.config, s.token, http.MethodPost, "/v1/orders/"+t.ID+"/"+do, struct{}{}, nil)
	if _, refusal := errors.AsType[*refused](err); refusal {
		return false, nil
	}
	if err != nil && ctx.Err() == nil {
		s.config.Logger.Warn("demo: a step failed", "step", do, "error", err)
		s.release(t.ID)
		return false, pause(ctx, time.Second, 1)
	}
	return err == nil, nil
}

// release puts a ticket back for whoever is free.
func (s *shop) release(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tickets[id]; t != nil {
		t.taken = false
	}
}

func (s *shop) between(low, high time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return low + time.Duration(s.rand.Int64N(int64(high-low)))
}
