package cafe

import (
	"strconv"
	"testing"

	"everything.local/event"
)

func (w *world) boardLine(number int32) (BoardLine, bool) {
	w.t.Helper()
	v, ok := w.topics.live(event.Board)[strconv.Itoa(int(number))]
	if !ok {
		return BoardLine{}, false
	}
	return decode[BoardLine](w.t, v), true
}

func TestNumbersRunFromOneTo999(t *testing.T) {
	for before, want := range map[uint64]int32{0: 1, 40: 41, 998: 999, 999: 1, 1000: 2, 1<<64 - 1: numberOf((1<<64 - 1) % 999)} {
		if got := numberOf(before); got != want {
			t.Errorf("after %d orders comes number %d, want %d", before, got, want)
		}
	}
}

// A number comes round while its old order is still on the board.
func TestReusedNumberKeepsItsLine(t *testing.T) {
	for _, newFirst := range []bool{true, false} {
		w := newCafe(t)
		old := w.place(ada, PlaceOrder{Name: "Old", Items: one("latte")})
		w.s.placed += numbers - 1
		fresh := w.place(grace, PlaceOrder{Name: "New", Items: one("mocha")})
		if o, _ := w.s.Order(fresh); o.Number != 1 {
			t.Fatalf("the number is %d", o.Number)
		}
		name := func() string { line, _ := w.boardLine(1); return line.Name }
		if name() != "New" {
			t.Errorf("the board shows %q", name())
		}
		w.steps(old, Accept)
		if line, _ := w.boardLine(1); line.Name != "New" || line.Status != Placed {
			t.Errorf("after a step of the old order the board shows %+v", line)
		}
		if newFirst {
			w.steps(fresh, Cancel)
			if line, _ := w.boardLine(1); line.Name != "Old" || line.Status != Accepted {
				t.Errorf("when the new order has ended the board shows %+v", line)
			}
			w.steps(old, Cancel)
		} else {
			w.steps(old, Cancel)
			if name() != "New" {
				t.Errorf("when the old order has ended the board shows %q", name())
			}
			w.steps(fresh, Cancel)
		}
		if line, ok := w.boardLine(1); ok {
			t.Errorf("when both have ended the board shows %+v", line)
		}
	}
}

func TestBoardLine(t *testing.T) {
	w := newCafe(t)
	for _, test := range []struct {
		order       PlaceOrder
		name, drink string
	}{
		{PlaceOrder{Items: one("latte")}, "", "Latte"},
		{PlaceOrder{Name: "Ada Lovelace", Items: []LineRequest{{Item: "latte", Quantity: 3}}}, "Ada", "Latte +2"},
		{PlaceOrder{Name: "Wolfeschlegelstein", Items: append(one("mocha"), one("cookie")...)}, "Wolfeschlege", "Mocha +1"},
		{PlaceOrder{Name: "Ææææææææææææx", Note: "secret", Items: one("mocha")}, "Ææææææææææææ", "Mocha"},
	} {
		o, _ := w.s.Order(w.place(ada, test.order))
		want := BoardLine{Number: o.Number, Name: test.name, Drink: test.drink, Status: Placed, Since: o.PlacedAt}
		if got, _ := w.boardLine(o.Number); got != want {
			t.Errorf("%+v shows as %+v, want %+v", test.order, got, want)
		}
	}
}
