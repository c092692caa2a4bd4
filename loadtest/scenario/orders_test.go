package scenario

import (
	"slices"
	"testing"
	"time"
)

// TestRest has the steps of all orders come at equal distances.
func TestRest(t *testing.T) {
	for _, rate := range []float64{0.5, 2, 4, 20, 33, 250} {
		order := time.Duration(float64(time.Second) / rate)
		step := order / time.Duration(len(steps))
		var at []time.Duration // within the time from one order to the next
		for s := range len(steps) {
			at = append(at, time.Duration(s)*rest(rate)%order)
		}
		slices.Sort(at)
		for s := range len(steps) {
			if off := at[s] - time.Duration(s)*step; off.Abs() > time.Microsecond {
				t.Errorf("%v orders a second: a step %v from where it should be", rate, off)
			}
		}
		if r := rest(rate); r < step || rate >= 4 && r < between/2 || r > 2*between+order {
			t.Errorf("%v orders a second: %v from step to step", rate, r)
		}
	}
}
