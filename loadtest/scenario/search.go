package scenario

const (
	// faster is how much more each step of a search tries.
	faster = 1.6
	// finer is how many steps then find the limit to within a few per cent.
	finer = 3
	// tries is of how many tries the greater part decides whether a rate is
	// held. On a machine that others use a second may have a pause in it that is
	// not the hub's, 2 of 46 in one run; one such try at each of ten steps ended
	// searches too low.
	tries = 3
)

// search finds the highest rate that holds.
type search struct {
	rate, good, bad float64
	refined         int
}

// next takes whether the rate held, sets the next one, and reports whether
// there is one to try.
func (s *search) next(held bool) bool {
	if held {
		s.good = s.rate
	} else {
		s.bad = s.rate
	}
	switch {
	case s.bad == 0:
		s.rate *= faster
		return true
	case s.good == 0:
		s.rate = s.bad / faster / faster
	default:
		s.rate = (s.good + s.bad) / 2
	}
	s.refined++
	return s.refined <= finer
}

// ballot decides by several tries whether a rate is held.
type ballot struct{ yes, no int }

// cast takes what a try found, and reports whether that decides. What holds
// easily does so at once; what breaks may have met something else.
func (b *ballot) cast(held, easily bool) (decided bool) {
	switch {
	case !held:
		b.no++
	case easily && b.no == 0:
		b.yes = tries
	default:
		b.yes++
	}
	return b.yes > tries/2 || b.no > tries/2
}

// held is the decision.
func (b *ballot) held() bool { return b.yes > tries/2 }
