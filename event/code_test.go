package event_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"everything.local/event"
)

func TestErrors(t *testing.T) {
	err := event.Errorf(event.SoldOut, "no %s left", "latte")
	wrapped := fmt.Errorf("decide: %w", err)
	if !errors.Is(wrapped, event.Errorf(event.SoldOut, "")) || errors.Is(wrapped, event.Errorf(event.Conflict, "")) {
		t.Error("errors are not told apart by their code")
	}
	if got := err.Error(); got != "sold_out: no latte left" {
		t.Errorf("says %q", got)
	}
	at := err.At("items[0]")
	if got := at.Error(); got != "sold_out: items[0]: no latte left" || err.Field != "" {
		t.Errorf("says %q, the original blames %q", got, err.Field)
	}
	for err, want := range map[error]event.Code{
		nil: "", wrapped: event.SoldOut, at: event.SoldOut, errors.New("x"): event.Internal,
	} {
		if got := event.CodeOf(err); got != want {
			t.Errorf("code of %v is %q, want %q", err, got, want)
		}
	}
	c := &event.ConflictError{Subject: event.Subject{Kind: event.KindOrder, ID: "a"}, Expected: 3, Last: 5}
	if got := c.Error(); got != "event: order.a is at 5, not 3" {
		t.Errorf("says %q", got)
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"":                            `""`,
		"latte":                       `"latte"`,
		"a\n\x00\"":                   `"a\n\x00\""`,
		"\xff":                        `"\xff"`,
		strings.Repeat("a", 40):       `"` + strings.Repeat("a", 40) + `"`,
		strings.Repeat("a", 41):       `"` + strings.Repeat("a", 40) + `"…`,
		strings.Repeat("é", 1e6):      `"` + strings.Repeat("é", 20) + `"…`,
		"a" + strings.Repeat("é", 20): `"a` + strings.Repeat("é", 19) + `"…`,
		strings.Repeat("\x80", 99):    `""…`,
	} {
		got := event.Quote(in)
		if got != want {
			t.Errorf("%.60q is quoted %s, want %s", in, got, want)
		}
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\n\x00") {
			t.Errorf("%q is not printable", got)
		}
	}
}
