package transport

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"everything.local/event"
)

func TestParseSubscription(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		want       subscription
		code       event.Code
		field      string
	}{
		{"all members", `{"topics":"menu,board@a.1","after":"a.2","pace":"idle","token":"t"}`, subscription{"menu,board@a.1", "a.2", "idle", "t"}, "", ""},
		{"only topics", ` {"topics":"menu"} `, subscription{topics: "menu"}, "", ""},
		{"empty object", `{}`, subscription{}, "", ""},
		{"unknown member", `{"topics":"menu","since":1}`, subscription{}, event.UnknownField, "since"},
		{"long unknown member", `{"` + strings.Repeat("x", 500) + `":1}`, subscription{}, event.UnknownField, "…"},
		{"member twice", `{"topics":"menu","topics":"board"}`, subscription{}, event.Malformed, "topics"},
		{"number for a string", `{"topics":7}`, subscription{}, event.Invalid, "topics"},
		{"null for a string", `{"topics":"menu","after":null}`, subscription{}, event.Invalid, "after"},
		{"array", `["menu"]`, subscription{}, event.Malformed, ""},
		{"two objects", `{"topics":"menu"}{}`, subscription{}, event.Malformed, ""},
		{"cut short", `{"topics":"menu"`, subscription{}, event.Malformed, ""},
		{"nothing", ``, subscription{}, event.Malformed, ""},
		{"not UTF-8", "{\"topics\":\"\xff\"}", subscription{}, event.BadText, ""},
	} {
		got, err := parseSubscription([]byte(tt.line))
		if tt.code == "" {
			if err != nil || got != tt.want {
				t.Errorf("%s: got %+v, %v, want %+v", tt.name, got, err, tt.want)
			}
			continue
		}
		f := fault(err)
		if err == nil || f.Code != tt.code || f.Field != tt.field || f.Detail == "" {
			t.Errorf("%s: got %v, want %s at %q", tt.name, err, tt.code, tt.field)
		}
	}
}

// FuzzSubscribe checks that no line panics, that one that is taken is JSON, and
// that a refusal is short whatever was sent.
func FuzzSubscribe(f *testing.F) {
	for _, seed := range []string{
		`{"topics":"menu,board@k3f9.1","after":"k3f9.2","pace":"attentive","token":"abc"}`,
		`{"topics":"menu","topics":"menu"}`, `{"pace":"idle"}`, `{"ping":true}`, `[{}]`, `{"\u0000":{}}`, `{"a":`, "\xff", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		s, err := parseSubscription(line)
		if err != nil {
			if e := fault(err); e.Code == event.Internal || len(e.Detail) > 300 || len(e.Field) > 20 || !utf8.ValidString(e.Detail) {
				t.Fatalf("%q: refused as %+v", line, e)
			}
			return
		}
		if !json.Valid(line) {
			t.Fatalf("took %q, which is not JSON", line)
		}
		if _, err := NewRequest(s.topics, s.after, s.pace); err != nil && fault(err).Code == event.Internal {
			t.Fatalf("%q: %v", line, err)
		}
	})
}
