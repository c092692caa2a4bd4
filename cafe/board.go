package cafe

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"everything.local/event"
)

// boardName bounds a name on the board, in characters: it is read from far.
const boardName = 12

// numbers is how many there are to call out, from 1.
const numbers = 999

// numberOf is the number of the order placed after so many others.
func numberOf(before uint64) int32 { return int32(before%numbers) + 1 }

// putOnBoard gives the order its number's line. Should an older order still be
// open under the same number, the newer one is shown until it ends.
func (s *State) putOnBoard(o *order) {
	s.board[o.view.Number] = append(s.board[o.view.Number], o.view.ID)
}

// showOnBoard shows the order if its number is its own.
func (s *State) showOnBoard(c *changes, o *order) {
	ids := s.board[o.view.Number]
	if len(ids) > 0 && ids[len(ids)-1] == o.view.ID {
		c.set(event.Board, strconv.Itoa(int(o.view.Number)), encode(boardLine(o)))
	}
}

// takeOffBoard removes the order's line, or gives it back to the order that
// had the number before and is still open.
func (s *State) takeOffBoard(c *changes, o *order) {
	number := o.view.Number
	ids := s.board[number]
	shown := ids[len(ids)-1]
	ids = slices.DeleteFunc(ids, func(id string) bool { return id == o.view.ID })
	s.board[number] = ids
	switch {
	case len(ids) == 0:
		delete(s.board, number)
		c.gone(event.Board, strconv.Itoa(int(number)))
	case shown == o.view.ID:
		s.showOnBoard(c, s.orders[ids[len(ids)-1]])
	}
}

// boardLine is what everybody may know of an order.
func boardLine(o *order) BoardLine {
	var drinks int64
	for _, l := range o.view.Items {
		drinks += int64(l.Quantity)
	}
	drink := o.view.Items[0].Name
	if drinks > 1 {
		drink += " +" + strconv.FormatInt(drinks-1, 10)
	}
	return BoardLine{
		Number: o.view.Number, Name: firstName(o.view.Name), Drink: drink,
		Status: o.view.Status, Since: o.since(),
	}
}

// firstName is the first word of a name, cut to what the board shows.
func firstName(name string) string {
	words := strings.Fields(name)
	if len(words) == 0 {
		return ""
	}
	first := words[0]
	if utf8.RuneCountInString(first) > boardName {
		first = string([]rune(first)[:boardName])
	}
	return first
}
