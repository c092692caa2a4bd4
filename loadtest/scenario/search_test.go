package scenario

import "testing"

// TestSearch finds the limit, also when one rate below it fails by accident.
func TestSearch(t *testing.T) {
	for name, c := range map[string]struct {
		limit, accident float64
	}{"plain": {limit: 1000}, "an accident": {limit: 1000, accident: 256}, "at the start": {limit: 1000, accident: 100}, "below the start": {limit: 45}} {
		s := search{rate: 100}
		steps := 0
		for more := true; more; steps++ {
			held := s.rate <= c.limit && (s.rate < c.accident*0.99 || s.rate > c.accident*1.01)
			more = s.next(held)
		}
		if s.good > c.limit || s.good < c.limit*0.75 || steps > 12 {
			t.Errorf("%s: %.0f of %.0f after %d steps", name, s.good, c.limit, steps)
		}
	}
	// What holds nothing is given up.
	s := search{rate: 100}
	for steps := 0; s.next(false); steps++ {
		if steps > 10 {
			t.Fatal("no end")
		}
	}
	if s.good != 0 {
		t.Error(s.good)
	}
}
