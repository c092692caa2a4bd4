package scenario

const (
	// faster is how much more each step of a search tries.
	faster = 1.6
	// finer is how many steps then find the limit to within a few per cent.
	finer = 3
	// misses is how many rates in a row must fail until the limit is passed:
	// one that fails alone, between others that hold, met something else that
	// the machine did.
	misses = 2
)

// search finds the highest rate that holds.
type search struct {
	rate, good, bad float64
	missed, tries   int
}

// next takes whether the rate held, sets the next one, and reports whether
// there is one to try.
func (s *search) next(held bool) bool {
	switch {
	case s.missed >= misses:
		s.tries++
		if held {
			s.good = s.rate
		} else {
			s.bad = s.rate
		}
	case held:
		s.good, s.bad, s.missed = s.rate, 0, 0
		s.rate *= faster
		return true
	default:
		if s.bad == 0 {
			s.bad = s.rate
		}
		if s.missed++; s.missed < misses {
			s.rate *= faster
			return true
		}
	}
	if s.rate = (s.good + s.bad) / 2; s.good == 0 {
		s.rate = s.bad / faster / faster
	}
	return s.tries < finer
}
