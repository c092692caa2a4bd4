package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// literal are the members whose text must be as documented; of others only the
// type counts.
var literal = []string{"topic", "code", "field", "why", "role", "status", "item", "algorithm", "currency"}

// ellipsis is what stands for more members, or for a value, in an example.
var ellipsis = regexp.MustCompile(`,?\s*…\s*([]}])`)

// example reads a JSON value as the document shows it, with … for what is left
// out.
func example(text string) (v any, err error) {
	if err := json.Unmarshal([]byte(ellipsis.ReplaceAllString(text, "$1")), &v); err != nil {
		return nil, fmt.Errorf("the example %s: %w", text, err)
	}
	return v, nil
}

// alike returns nil if got has every member that want has, of the same type, and
// with the same value where that is true, false or literal. Of a list the last in
// want stands for all further ones, and there must be one where want has any.
func alike(want, got any, path string) error {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is %v, no object", path, got)
		}
		for name, member := range w {
			if err := alike(member, g[name], path+"."+name); err != nil {
				return err
			}
		}
		return nil
	case []any:
		g, ok := got.([]any)
		if !ok || len(w) > 0 && len(g) == 0 {
			return fmt.Errorf("%s is %v, no list, or empty", path, got)
		}
		for i := range g[:len(g)*min(1, len(w))] {
			if err := alike(w[min(i, len(w)-1)], g[i], fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
		return nil
	case string:
		g, ok := got.(string)
		if name := path[strings.LastIndex(path, ".")+1:]; !ok || slices.Contains(literal, name) && w != "…" && w != g {
			return fmt.Errorf("%s is %#v, not %q", path, got, w)
		}
		return nil
	case float64:
		if _, ok := got.(float64); !ok {
			return fmt.Errorf("%s is %#v, no number", path, got)
		}
		return nil
	}
	if want != got {
		return fmt.Errorf("%s is %#v, not %#v", path, got, want)
	}
	return nil
}

// kindOf names a frame by what it has. A frame with anything else is of no kind.
func kindOf(frame map[string]any) string {
	names := strings.Join(slices.Sorted(maps.Keys(frame)), " ")
	switch names {
	case "reset topic":
		return "reset"
	case "key seq topic value", "cursor key seq topic value":
		return "entry"
	case "key seq topic", "cursor key seq topic":
		return "gone"
	case "cursor", "stale", "goaway", "error":
		return names
	case "cursor live now", "live now":
		return "live"
	case "cursor now ping", "now ping":
		return "ping"
	}
	return "unknown (" + names + ")"
}

// sameFrame returns nil if got is a frame like want, with nothing that want does
// not show.
func sameFrame(want, got map[string]any) error {
	if w, g := kindOf(want), kindOf(got); w != g || (want["cursor"] == nil) != (got["cursor"] == nil) {
		return fmt.Errorf("%v is no %s like %v", got, w, want)
	}
	return alike(want, got, "frame")
}

// TestAlike holds that what is not as documented is found.
func TestAlike(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want, got string
		same      bool
	}{
		{`{"a":1,…}`, `{"a":2,"b":3}`, true},
		{`{"a":"…"}`, `{"a":"x"}`, true},
		{`{"code":"…"}`, `{"code":"x"}`, true},
		{`{"a":{…},"b":[…]}`, `{"a":{"x":1},"b":[]}`, true},
		{`{"items":[{"id":"latte"}]}`, `{"items":[{"id":"x"},{"id":"y"}]}`, true},
		{`{"live":true}`, `{"live":true}`, true},
		{`{"a":1}`, `{}`, false},
		{`{"a":1}`, `{"a":"1"}`, false},
		{`{"a":"x"}`, `{"a":1}`, false},
		{`{"a":{"b":1}}`, `{"a":1}`, false},
		{`{"code":"invalid"}`, `{"code":"forbidden"}`, false},
		{`{"live":true}`, `{"live":false}`, false},
		{`{"items":[{"id":"latte"}]}`, `{"items":[]}`, false},
		{`{"items":[{"id":"latte"}]}`, `{"items":[{"id":"x"},{}]}`, false},
		{`{"items":[]}`, `{"items":{}}`, false},
	} {
		want, err := example(c.want)
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if err := json.Unmarshal([]byte(c.got), &got); err != nil {
			t.Fatal(err)
		}
		if err := alike(want, got, "it"); (err == nil) != c.same {
			t.Errorf("%s and %s: %v", c.want, c.got, err)
		}
	}
	if kind := kindOf(map[string]any{"topic": "board", "reset": true, "more": 1}); !strings.HasPrefix(kind, "unknown") {
		t.Errorf("a frame with a member that nobody knows is %s", kind)
	}
}
