package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"math/big"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"everything.local/event"
)

const (
	// PairingLifetime is how long a code can be approved and redeemed: time to
	// fetch somebody with a tablet, and little time to mistake it for another.
	PairingLifetime = 10 * time.Minute
	// maxPending bounds the codes that wait. A café has a handful of screens;
	// the fewer wait, the less likely is a mistyped code somebody else's.
	maxPending = 64
	// maxPendingPerAddress keeps one device from taking all of them: its newest
	// codes count.
	maxPendingPerAddress = 4
	// codeDigits is what a person reads off a screen and types without error.
	codeDigits = 6
)

// pairing holds the codes that screens show. They live in memory of the hub
// that gave them: a screen that finds its code gone asks for another.
//
// A code alone opens nothing. It is redeemed with the secret of the device that
// asked for it, so it may stand in the open on a wall and there is nothing to
// win by guessing; and no code is given that staff have just approved.
type pairing struct {
	mu      sync.Mutex
	pending map[string]pendingScreen
}

type pendingScreen struct {
	device  [sha256.Size]byte // of the secret
	expires time.Time
	from    netip.Prefix
}

func newPairing() *pairing { return &pairing{pending: map[string]pendingScreen{}} }

// ask returns a new code and the secret to redeem it with.
func (p *pairing) ask(from netip.Prefix, now time.Time, approved func(string) bool) (code, device string, expires time.Time, err error) {
	device = rand.Text() // 130 bits
	for range maxPending {
		code = newCode()
		if approved(code) {
			continue
		}
		expires = now.Add(PairingLifetime)
		taken, err := p.add(code, pendingScreen{sha256.Sum256([]byte(device)), expires, from}, now)
		if err != nil || !taken {
			return code, device, expires, err
		}
	}
	return "", "", time.Time{}, event.Errorf(event.Unavailable, "no code is free now; try again in a minute")
}

func (p *pairing) add(code string, s pendingScreen, now time.Time) (taken bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var oldest string
	same := 0
	for c, q := range p.pending {
		if !now.Before(q.expires) {
			delete(p.pending, c)
			continue
		}
		if q.from == s.from {
			same++
			if oldest == "" || q.expires.Before(p.pending[oldest].expires) {
				oldest = c
			}
		}
	}
	if _, taken := p.pending[code]; taken {
		return true, nil
	}
	if same >= maxPendingPerAddress {
		delete(p.pending, oldest)
	}
	if len(p.pending) >= maxPending {
		return false, event.Errorf(event.TooManyRequests, "too many screens wait to be paired; try again in a few minutes")
	}
	p.pending[code] = s
	return false, nil
}

// check returns nil if device is the secret that code was given with. The code
// stays until it expires: an answer may get lost, and the screen ask again.
func (p *pairing) check(code, device string, now time.Time) error {
	p.mu.Lock()
	s, ok := p.pending[code]
	p.mu.Unlock()
	sum := sha256.Sum256([]byte(device))
	same := subtle.ConstantTimeCompare(sum[:], s.device[:]) == 1
	if !ok || !same || !now.Before(s.expires) {
		return event.Errorf(event.NotFound, "this screen waits under no such code; ask for a new one").At("code")
	}
	return nil
}

// Shown reports whether a screen waits under code at this hub, or did so not
// long ago. A code that nobody shows was mistyped.
func (a *Auth) Shown(code string) bool {
	a.pairing.mu.Lock()
	defer a.pairing.mu.Unlock()
	s, ok := a.pairing.pending[code]
	return ok && time.Now().Before(s.expires)
}

// newCode returns a code, each as likely as any other.
func newCode() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1e6))
	if err != nil {
		panic(err) // never: crypto/rand does not fail
	}
	return fmt.Sprintf("%0*d", codeDigits, n)
}

func errNoPairing() *event.Error {
	return event.Errorf(event.Forbidden, "screens are not paired by code here; sign in with a token")
}

// CreatePairing is POST /v1/pairing: a screen asks for a code to show.
func (a *Auth) CreatePairing(w http.ResponseWriter, r *http.Request) {
	if a.config.Pairings == nil {
		a.config.WriteError(w, r, errNoPairing())
		return
	}
	if err := a.admit(w, r, a.asking); err != nil {
		a.config.WriteError(w, r, err)
		return
	}
	approved := func(code string) bool {
		_, ok := a.config.Pairings.Approved(code)
		return ok
	}
	code, device, expires, err := a.pairing.ask(remote(r), time.Now(), approved)
	if err != nil {
		a.config.WriteError(w, r, err)
		return
	}
	writeJSON(w, struct {
		Code    string `json:"code"`
		Device  string `json:"device"`
		Expires string `json:"expires"`
	}{code, device, event.FormatTime(expires)})
}
