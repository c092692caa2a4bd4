package meter

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestUntil is never early, however long it is, and waits for nothing past.
func TestUntil(t *testing.T) {
	for _, d := range []time.Duration{-time.Hour, 0, time.Nanosecond, fine / 2, fine, fine + 100*time.Microsecond, 5 * fine} {
		at := time.Now().Add(d)
		if err := Until(t.Context(), at); err != nil {
			t.Fatalf("%v: %v", d, err)
		}
		if early := time.Until(at); early > 0 {
			t.Errorf("%v: %v early", d, early)
		}
	}
}

// TestUntilEnds ends with its context.
func TestUntilEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	for _, d := range []time.Duration{time.Hour, 0} { // it has ended the second time
		if err := Until(ctx, time.Now().Add(d)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v: %v", d, err)
		}
	}
}
