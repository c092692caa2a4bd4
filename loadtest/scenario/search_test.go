package scenario

import "testing"

// TestSearch finds the limit, above the start and below it.
func TestSearch(t *testing.T) {
	for _, limit := range []float64{1000, 101, 45} {
		s := search{rate: 100}
		steps := 0
		for more := true; more; steps++ {
			more = s.next(s.rate <= limit)
		}
		if s.good > limit || s.good < limit*0.75 || steps > 12 {
			t.Errorf("%.0f of %.0f after %d steps", s.good, limit, steps)
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

// TestBallot decides by two of three, or at once by what holds easily.
func TestBallot(t *testing.T) {
	for votes, want := range map[string]struct {
		held bool
		cast int
	}{
		"++": {true, 2}, "+-+": {true, 3}, "-++": {true, 3}, "!": {true, 1}, "-!!": {true, 3}, "-!-": {false, 3},
		"--": {false, 2}, "+--": {false, 3}, "-+-": {false, 3},
	} {
		var b ballot
		cast, decided := 0, false
		for _, v := range votes {
			if decided {
				break
			}
			cast++
			decided = b.cast(v != '-', v == '!')
		}
		if !decided || b.held() != want.held || cast != want.cast {
			t.Errorf("%s: decided %v, held %v after %d", votes, decided, b.held(), cast)
		}
	}
}
