package cafe

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"everything.local/event"
)

// The longest texts, in characters. Names are called out and shown on a board,
// notes read on a ticket, announcements in one strip of a screen.
const (
	maxName         = 40
	maxNote         = 200
	maxAnnouncement = 280
	maxTitle        = 60
)

// text checks what a caller wrote and returns it without the blanks around it.
// It may be empty; field is its path in the command.
func text(field, s string, most int) (string, error) {
	if !utf8.ValidString(s) {
		return "", event.Errorf(event.BadText, "this is not valid UTF-8 text").At(field)
	}
	for _, r := range s {
		if !printable(r) {
			return "", event.Errorf(event.BadText, "control characters and line breaks are not allowed here; remove %+q", r).At(field)
		}
	}
	if s = strings.TrimSpace(s); !strings.ContainsFunc(s, unicode.IsGraphic) {
		s = "" // nothing but joiners and the like
	}
	if n := utf8.RuneCountInString(s); n > most {
		return "", event.Errorf(event.BadText, "this has %d characters, at most %d fit; shorten it", n, most).At(field)
	}
	return s, nil
}

// someText is text that must not be empty.
func someText(field, s string, most int) (string, error) {
	s, err := text(field, s, most)
	if err == nil && s == "" {
		return "", event.Errorf(event.BadText, "this must not be empty; fill it in").At(field)
	}
	return s, err
}

// printable reports whether a character may stand in text that is shown to
// others. Besides controls it refuses line and paragraph separators and the
// bidirectional overrides, which can make a line read as another one; joiners
// are fine, names and emoji need them.
func printable(r rune) bool {
	switch {
	case unicode.IsControl(r), r == '\u2028', r == '\u2029', r == '\ufeff':
		return false
	case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
		return false
	}
	return true
}

// slug reports whether s may be the id of an item, a size or an option: words
// of lower-case letters and digits joined by hyphens, at most 40 characters.
func slug(s string) bool {
	if s == "" || len(s) > 40 {
		return false
	}
	for word := range strings.SplitSeq(s, "-") {
		if !event.ValidID(word) {
			return false
		}
	}
	return true
}
