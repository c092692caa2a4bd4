package auth

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"everything.local/event"
)

// MaxNameLength bounds a name, in characters: what can be called out, and fits
// a line of the board.
const MaxNameLength = 40

// cleanName returns name without space around it, or an *event.Error with code
// BadText if it is no name. Names are shown on screens that everybody reads:
// nothing invisible gets in, and nothing that reorders the text around it.
func cleanName(name string) (string, error) {
	bad := func(format string, args ...any) (string, error) {
		return "", event.Errorf(event.BadText, format, args...).At("name")
	}
	if !utf8.ValidString(name) {
		return bad("the name is not UTF-8 text")
	}
	name = strings.TrimSpace(name)
	if n := utf8.RuneCountInString(name); n > MaxNameLength {
		return bad("the name has %d characters, at most %d fit; a first name will do", n, MaxNameLength)
	}
	seen := false
	for _, c := range name {
		if !nameRune(c) {
			return bad("the name has a character that cannot be shown, %U; leave it out", c)
		}
		seen = seen || unicode.In(c, unicode.L, unicode.N, unicode.S)
	}
	if !seen {
		return bad("say what to call you, with at least one letter")
	}
	return name, nil
}

// nameRune allows what can be seen, and the two joiners that some scripts and
// most family emoji are written with.
func nameRune(c rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	return unicode.IsGraphic(c) && c != utf8.RuneError || c == nonJoiner || c == joiner
}
