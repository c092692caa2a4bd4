package relay

import (
	"math/rand/v2"
	"time"
)

// Weather is what happens to the datagrams of a Relay, in each direction. The
// zero Weather lets all of them pass at once.
type Weather struct {
	// Blocked loses all datagrams, without a word to either end.
	Blocked bool
	// Loss is the part that is lost, from 0 to 1.
	Loss float64
	// Delay is how long a datagram takes; up to Jitter more, by chance, which
	// also reorders what follows closely.
	Delay, Jitter time.Duration
}

// fate says whether a datagram arrives, and after how long.
func (w Weather) fate() (after time.Duration, arrives bool) {
	if w.Blocked || w.Loss > 0 && rand.Float64() < w.Loss {
		return 0, false
	}
	after = w.Delay
	if w.Jitter > 0 {
		after += rand.N(w.Jitter)
	}
	return after, true
}
