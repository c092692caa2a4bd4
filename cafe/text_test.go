package cafe

import (
	"strings"
	"testing"

	"everything.local/event"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"":                 "",
		"  Ada ":           "Ada",
		"\u200b\u200d":     "",
		"José 👩‍🍳":         "José 👩‍🍳",
		"עדה":              "עדה",
		"<b>&</b>":         "<b>&</b>",
		"1234567890 ":      "1234567890",
		"ééééééééée\u00a0": "ééééééééée",
	} {
		got, err := text("name", in, 10)
		if err != nil || got != want {
			t.Errorf("%q becomes %q, %v", in, got, err)
		}
	}
	for _, in := range []string{
		"a\x00", "a\nb", "a\tb", "\x1b[31m", "a\x7f", "a\u0085", "a\u2028b", "\ufeffa",
		"abc\u202egnp", "a\u2066b", "\xc3\x28", "12345678901", strings.Repeat("é", 11),
	} {
		_, err := text("name", in, 10)
		refusal(t, in, err, event.BadText, "name")
	}
}

func TestSlug(t *testing.T) {
	for in, want := range map[string]bool{
		"latte": true, "flat-white": true, "7up": true, "a-1-b": true, strings.Repeat("a", 40): true,
		"": false, "-": false, "a-": false, "-a": false, "a--b": false, "A": false, "é": false,
		"a b": false, "a.b": false, "a/b": false, strings.Repeat("a", 41): false,
	} {
		if slug(in) != want {
			t.Errorf("%q may be an id: %v", in, !want)
		}
	}
}
