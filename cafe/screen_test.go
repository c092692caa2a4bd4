package cafe

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"everything.local/event"
)

func TestScreenIsPairedForTenMinutes(t *testing.T) {
	w := newCafe(t)
	if _, ok := w.s.Screen("482913", w.now); ok {
		t.Error("a code that nobody approved is good")
	}
	w.must(PairScreen{Code: "482913", Name: "Kitchen TV"}, bob)
	id := w.log[len(w.log)-1].Subject.ID
	for after, want := range map[time.Duration]bool{0: true, 10*time.Minute - 1: true, 10 * time.Minute: false} {
		got, ok := w.s.Screen("482913", w.now.Add(after))
		if ok != want || (ok && got != id) {
			t.Errorf("after %v: %q, %v", after, got, ok)
		}
	}
	if _, ok := w.s.Screen("482914", w.now); ok {
		t.Error("another code is good")
	}
	if strings.Contains(string(w.log[len(w.log)-1].Data), "482913") {
		t.Error("the code is in the log")
	}
	// The same code again is another screen.
	w.must(PairScreen{Code: "482913"}, bob)
	if got, _ := w.s.Screen("482913", w.now); got == id {
		t.Error("the new approval is that of the old screen")
	}
}

func TestPairingIsRefused(t *testing.T) {
	w := newCafe(t)
	for _, code := range []string{"", "12345", "1234567", "12345x", "１２３４５６"} {
		w.refused(PairScreen{Code: code}, bob, event.Invalid, "code")
	}
	w.refused(PairScreen{Code: "123456", Name: "\n"}, bob, event.BadText, "name")
}

func TestApprovalsAreBounded(t *testing.T) {
	w := newWorld(t)
	w.quick = true
	before := len(w.s.aggregates)
	for i := range maxApprovals {
		w.must(PairScreen{Code: fmt.Sprint(100_000 + i)}, bob)
	}
	w.refused(PairScreen{Code: "123456"}, bob, event.Conflict, "")
	// One too many that was decided elsewhere takes the oldest one's place.
	e := w.log[len(w.log)-1]
	e.Seq, e.Command.ID, e.Subject.ID, e.Data = e.Seq+1, "x", "onetoomany", encode(screenPairedV1{CodeHash: codeHash("123456")})
	w.fold(e)
	if _, ok := w.s.Screen("100000", w.now); ok || len(w.s.screens) != maxApprovals {
		t.Errorf("%d approvals are in force", len(w.s.screens))
	}
	w.now = w.now.Add(approvalLasts)
	w.must(PairScreen{Code: "123456"}, bob)
	if len(w.s.screens) != 1 || len(w.s.aggregates) != before+1 {
		t.Errorf("%d old approvals are kept, %d aggregates", len(w.s.screens)-1, len(w.s.aggregates)-before)
	}
}
