package client

import "time"

const (
	// lively is how long a feed may pause that has just brought one frame after
	// the other, before its client asks whether the way to the hub is still
	// there. It is less than a person notices, and more than a busy hub or a
	// bad Wi-Fi keeps a packet.
	lively = 100 * time.Millisecond
	// livelyPaces is how many usual gaps make a pause.
	livelyPaces = 4
)

// rhythm knows how closely frames follow one another on a feed.
type rhythm struct {
	last time.Time
	gap  time.Duration // smoothed; 0 when there is none to go by
}

// heard takes a frame.
func (r *rhythm) heard(now time.Time) {
	if !r.last.IsZero() {
		gap := now.Sub(r.last)
		if r.gap == 0 {
			r.gap = gap
		} else {
			r.gap += (gap - r.gap) / 8 // as round trips are smoothed (RFC 6298)
		}
	}
	r.last = now
}

// broken says that the pause was only that: the next frame begins a new rhythm.
func (r *rhythm) broken() { r.last, r.gap = time.Time{}, 0 }

// due is when a frame should have come, the zero Time where nothing says so.
// Only gaps shorter than most tell anything.
func (r *rhythm) due(most time.Duration) time.Time {
	if r.gap == 0 {
		return time.Time{}
	}
	pause := max(lively, livelyPaces*r.gap)
	if pause >= most {
		return time.Time{}
	}
	return r.last.Add(pause)
}
