package client

import (
	"math/rand/v2"
	"time"
)

const (
	// firstWait and mostWait bound the waits between tries. On a local network
	// a hub is back within seconds, and a try costs little.
	firstWait = 250 * time.Millisecond
	mostWait  = 5 * time.Second
	// attentiveWait is the longest while a person looks on: what they see is to
	// be live a moment after the hub is.
	attentiveWait = time.Second
)

// backoff gives waits that double, with full jitter, so that the clients that
// lost a hub together do not come back together.
type backoff struct {
	most  time.Duration
	tries int
}

func (b *backoff) next() time.Duration {
	most := b.most
	if b.tries < 16 { // beyond, the shift would overflow
		most = min(most, firstWait<<b.tries)
	}
	b.tries++
	return rand.N(most)
}

func (b *backoff) reset() { b.tries = 0 }
