package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestParseLines holds how orders are written on a command line.
func TestParseLines(t *testing.T) {
	for args, want := range map[string]string{
		"latte":                               "latte::[]:1",
		"latte:large+oat-milk+extra-shot x12": "latte:large:[oat-milk extra-shot]:12",
		"latte+soy bagel x2 mocha:large":      "latte::[soy]:1 bagel::[]:2 mocha:large:[]:1",
		"x2 latte":                            "",
		"latte x2 x3":                         "",
		"latte x9999999999":                   "latte::[]:1 x9999999999::[]:1", // an item's name, for all we know
		"latte:":                              "",
		"+soy":                                "",
		"latte++soy":                          "",
		"latte+":                              "",
	} {
		lines, err := parseLines(strings.Fields(args))
		if (want == "") != errors.Is(err, errArguments) || (err != nil) != (want == "") {
			t.Errorf("%s: %v", args, err)
		}
		var got []string
		for _, l := range lines {
			quantity := int32(1)
			if l.Quantity != nil {
				quantity = l.GetQuantity()
			}
			got = append(got, fmt.Sprintf("%s:%s:%v:%d", l.GetItem(), l.GetSize(), l.GetOptions(), quantity))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s", args, got)
		}
	}
}

// TestNearest holds what is suggested for a slip of the keys.
func TestNearest(t *testing.T) {
	names := []string{"espresso", "latte", "iced-latte", "chai-latte", "matcha-latte", "flat-white", "mocha", "oat-milk"}
	for word, want := range map[string]string{
		"late":     "latte",
		"Latte":    "latte iced-latte chai-latte",
		"expresso": "espresso",
		"moka":     "",
		"mocka":    "mocha",
		"oat":      "oat-milk",
		"white":    "flat-white",
		"beer":     "",
		"":         "",
	} {
		if got := strings.Join(nearest(word, names), " "); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"abc", "abc", 0}, {"ab", "ba", 2}} {
		if got := distance(c.a, c.b); got != c.want || distance(c.b, c.a) != got {
			t.Errorf("%q, %q: %d", c.a, c.b, got)
		}
	}
}
