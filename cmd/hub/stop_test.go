package main

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"everything.local/auth"
)

// TestStopLosesNothing stops the hub with SIGTERM while orders pour in over
// each protocol. It serves them until it closes its doors; every order that was
// answered is there afterwards, once, and those that got no answer can be tried
// again.
func TestStopLosesNothing(t *testing.T) {
	for _, protocol := range []string{"h1", "h2", "h3"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			p := start(t, data, "--drain", "500ms")
			p.client = p.over(protocol)
			orders := &ledger{ids: map[string]string{}}
			var writers sync.WaitGroup
			for w := range 4 {
				var tokens []string
				for table := range tables {
					tokens = append(tokens, p.token(auth.Customer, fmt.Sprintf("customer-%d-%d", w, table)))
				}
				writers.Go(func() { orders.pour(t.Context(), p, tokens) })
			}
			const before = 20
			for orders.answered() < before { // so that there is a stream to be stopped
				<-time.After(time.Millisecond)
			}
			took, err := p.stop()
			if err != nil {
				t.Fatalf("the hub ended with %v\n%s", err, p.log)
			}
			writers.Wait()
			const budget = 20 * time.Second // README.md
			if took > budget {
				t.Errorf("it took %v", took)
			}
			p = start(t, data)
			orders.settle(t, p)
			orders.check(t, p)
			t.Logf("%d orders, %d of them answered after the restart; stopped in %v", len(orders.ids), orders.retried, took.Round(time.Millisecond))
		})
	}
}

// answered is how many orders got an answer.
func (l *ledger) answered() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.ids)
}
