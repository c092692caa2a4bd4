package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"everything.local/auth"
	"everything.local/event"
)

// kills is how often the hub is killed while orders pour in.
const kills = 20

// tables is how many customers take turns in each stream of orders, since the
// house bounds what one of them may have open.
const tables = 16

// TestKillNineLosesNothing kills the hub with SIGKILL in the middle of orders,
// again and again. Every order that was answered, and every one that was tried
// until it was, must be there exactly once.
func TestKillNineLosesNothing(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := start(t, data)
	orders := &ledger{ids: map[string]string{}}
	for round := range kills {
		ctx, cancel := context.WithCancel(t.Context())
		var writers sync.WaitGroup
		for w := range 4 {
			var tokens []string
			for table := range tables {
				tokens = append(tokens, p.token(auth.Customer, fmt.Sprintf("customer-%d-%d-%d", round, w, table)))
			}
			writers.Go(func() { orders.pour(ctx, p, tokens) })
		}
		<-time.After(time.Duration(20+rand.IntN(300)) * time.Millisecond)
		p.kill()
		cancel()
		writers.Wait()
		p = start(t, data)
		orders.settle(t, p)
	}
	if len(orders.ids) < kills {
		t.Fatalf("only %d orders in %d rounds prove nothing", len(orders.ids), kills)
	}
	t.Logf("%d orders answered, %d of them after a retry", len(orders.ids), orders.retried)
	orders.check(t, p)
}

// ledger is what the customers know.
type ledger struct {
	mu      sync.Mutex
	ids     map[string]string // order id by Idempotency-Key
	unsure  []attempt         // no answer came
	next    int
	retried int
}

type attempt struct{ key, token, body string }

func (l *ledger) pour(ctx context.Context, p *process, tokens []string) {
	for n := 0; ctx.Err() == nil; n++ {
		l.mu.Lock()
		l.next++
		key := fmt.Sprintf("key-%d", l.next)
		l.mu.Unlock()
		a := attempt{key, tokens[n%len(tokens)], fmt.Sprintf(`{"name":"Ada","items":[{"item":"latte","quantity":1}],"note":%q}`, key)}
		if id, err := a.place(ctx, p); err == nil {
			l.record(key, id)
		} else {
			l.mu.Lock()
			l.unsure = append(l.unsure, a)
			l.mu.Unlock()
			return // the hub is gone
		}
	}
}

func (a attempt) place(ctx context.Context, p *process) (id string, err error) {
	status, answer, err := p.call(ctx, a.token, http.MethodPost, "/v1/orders", a.body, "Idempotency-Key", a.key)
	if err != nil {
		return "", err
	}
	if status != http.StatusCreated {
		return "", fmt.Errorf("%d %v", status, answer)
	}
	return answer["order"].(map[string]any)["id"].(string), nil
}

func (l *ledger) record(key, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids[key] = id
}

// settle retries what got no answer.
func (l *ledger) settle(t *testing.T, p *process) {
	t.Helper()
	for _, a := range l.unsure {
		id, err := a.place(t.Context(), p)
		if err != nil {
			t.Fatalf("retry of %s: %v", a.key, err)
		}
		l.record(a.key, id)
		l.retried++
	}
	l.unsure = nil
}

// check compares the kitchen with the ledger.
func (l *ledger) check(t *testing.T, p *process) {
	t.Helper()
	kitchen := map[string]int{}
	err := p.feed(t.Context(), p.token(auth.Barista, "bob"), "topics=kitchen", func(f event.Frame) bool {
		if f.Key != "" {
			kitchen[f.Key]++
		}
		return f.Live
	})
	if err != nil {
		t.Fatal(err)
	}
	for key, id := range l.ids {
		if kitchen[id] != 1 {
			t.Errorf("order %s (%s) is in the kitchen %d times", key, id, kitchen[id])
		}
	}
	if len(kitchen) != len(l.ids) {
		t.Errorf("the kitchen has %d orders, the customers %d", len(kitchen), len(l.ids))
	}
}
