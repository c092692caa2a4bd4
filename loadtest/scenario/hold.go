package scenario

import "time"

// hold makes a member that is live read no more until release is closed, or,
// with every not 0, only one frame in so long. What the member had read ahead
// it still takes.
func (m *member) hold(release <-chan struct{}, every time.Duration) {
	m.held.Store(&hold{release, every})
}

// letGo undoes hold, before the member connects again.
func (m *member) letGo() {
	m.held.Store(nil)
	m.err.Store(nil)
}

type hold struct {
	release <-chan struct{}
	every   time.Duration
}

// wait returns when the next frame may be read.
func (h *hold) wait() {
	if h == nil {
		return
	}
	if h.every == 0 {
		<-h.release
		return
	}
	t := time.NewTimer(h.every)
	defer t.Stop()
	select {
	case <-t.C:
	case <-h.release:
	}
}
