package ws

import (
	"sync"
	"time"

	"everything.local/auth"
	"everything.local/transport"
)

// asking is a client of whom no message has come. It is waited for, but not for
// ever, nor when the hub is to stop.
type asking struct {
	who    auth.Identity
	secure bool // on TLS

	mu sync.Mutex
	// over says that somebody says, or has said, how it ends.
	over  bool
	timer *time.Timer
	// undrain and uncut undo Feed.OnDrain and OnCut.
	undrain, uncut func()
}

// wait waits for the first message.
func (a *asking) wait(f *follower) {
	a.mu.Lock()
	defer a.mu.Unlock()
	timer := time.AfterFunc(transport.SubscribeTimeout, func() {
		if a.settle() {
			f.refuse(f.feed.Unheard(), ending{code: policyViolation})
		}
	})
	a.timer = timer
	a.undrain = f.feed.OnDrain(func() { timer.Reset(0) }) // for it may not be undone from within
	a.uncut = f.feed.OnCut(f.Cut)
}

// settle ends the waiting. It returns true for the first caller, who is the one
// to say how that ends.
func (a *asking) settle() bool {
	a.mu.Lock()
	first := !a.over
	a.over = true
	timer, undrain, uncut := a.timer, a.undrain, a.uncut
	a.mu.Unlock()
	if first {
		timer.Stop()
		undrain()
		uncut()
	}
	return first
}
