package auth

import (
	"crypto/sha256"
	"sync"
	"time"
)

// maxVerified bounds the tokens whose signatures are remembered, some 300 bytes
// each: everybody who is in a café, and a week of those who come daily.
const maxVerified = 4096

// verified remembers which tokens were signed by the site, for a check of an
// Ed25519 signature costs a tenth of what an order does. What a token says is
// held against the clock each time. It knows tokens by their digests, so it
// holds nothing that anybody could sign in with.
type verified struct {
	mu     sync.Mutex
	tokens map[[sha256.Size]byte]seen
}

// seen is a token that was good at an instant.
type seen struct {
	identity Identity
	at, end  time.Time
}

// find returns whom a token was found to be signed for, if it is good at now. A
// clock that has been set back since then asks for a new look.
func (v *verified) find(digest [sha256.Size]byte, now time.Time) (Identity, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s, ok := v.tokens[digest]
	return s.identity, ok && !now.Before(s.at) && now.Before(s.end)
}

// keep remembers a token that is good at now and until end.
func (v *verified) keep(digest [sha256.Size]byte, i Identity, now, end time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.tokens == nil {
		v.tokens = make(map[[sha256.Size]byte]seen)
	}
	for d := range v.tokens { // any one, when it is full
		if len(v.tokens) < maxVerified {
			break
		}
		delete(v.tokens, d)
	}
	v.tokens[digest] = seen{i, now, end}
}
