package feed

import (
	"bytes"
	"encoding/json"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var frames = []string{
	`{"topic":"board","reset":true}`,
	`{"topic":"menu","key":"load-007","seq":1042,"value":{"id":"load-007","a":[1,{"b":"}],"}],"remaining":3},"cursor":"k3f9.1042"}`,
	`{"topic":"board","key":"41","seq":1050,"cursor":"k3f9.1050"}`,
	`{"live":true,"cursor":"k3f9.1050","now":"2026-01-02T15:04:05.000Z"}`,
	` { "ping" : true , "cursor" : "k3f9.1050" , "later" : [ 1 , "\"]" , null ] } `,
	`{"stale":{"since":"…","why":"no_quorum"}}`,
	`{"goaway":{"within_ms":4000,"to":["https://pi-2:8443"]}}`,
	`{"error":{"code":"token_expired","detail":"say \"please\""}}`,
	`{"topic":"a\u0062c","key":"\\"}`,
	`{}`,
}

// FuzzParse holds the scanner against encoding/json: what that takes, the
// scanner reads the same of; what the scanner refuses, that does, too.
func FuzzParse(f *testing.F) {
	for _, s := range frames {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var got Frame
		err := got.Parse(b)
		var members map[string]json.RawMessage
		if !utf8.Valid(b) || json.Unmarshal(b, &members) != nil || members == nil {
			return // the scanner looks into no value, nor at how text is encoded
		}
		want, ok := reference(members)
		if ok != (err == nil) {
			t.Fatalf("%q: %v, but encoding/json says %v", b, err, ok)
		}
		if diff := cmp.Diff(want, got); ok && diff != "" {
			t.Errorf("%q:\n%s", b, diff)
		}
	})
}

// reference is what a frame with these members is.
func reference(members map[string]json.RawMessage) (f Frame, ok bool) {
	ok = true
	str := func(name string) []byte {
		raw := members[name]
		if raw == nil {
			return nil
		}
		var s *string
		if json.Unmarshal(raw, &s) != nil || s == nil {
			ok = false
			return nil
		}
		return []byte(*s)
	}
	f.Topic, f.Key, f.Cursor = str("topic"), str("key"), str("cursor")
	f.Value, f.Stale, f.Goaway, f.Error = members["value"], members["stale"], members["goaway"], members["error"]
	f.Reset, f.Live, f.Ping = string(members["reset"]) == "true", string(members["live"]) == "true", string(members["ping"]) == "true"
	if raw := members["seq"]; raw != nil {
		var err error
		if f.Seq, err = strconv.ParseUint(string(raw), 10, 64); err != nil {
			ok = false
		}
	}
	return f, ok
}

// TestParse reads what docs/protocol.md has.
func TestParse(t *testing.T) {
	var f Frame
	if err := f.Parse([]byte(frames[1])); err != nil {
		t.Fatal(err)
	}
	want := Frame{
		Topic: []byte("menu"), Key: []byte("load-007"), Seq: 1042, Cursor: []byte("k3f9.1042"),
		Value: []byte(`{"id":"load-007","a":[1,{"b":"}],"}],"remaining":3}`),
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{``, `[]`, `{"seq":-1}`, `{"topic":1}`, `{"a":1`, `{"a":1}x`, `{"a" 1}`, `{"a":"x}`, `{,}`, `{"a":1,}`} {
		if err := f.Parse([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a frame", bad)
		}
	}
}

// TestParseAllocates nothing: it runs for every delivery.
func TestParseAllocates(t *testing.T) {
	var f Frame
	b := []byte(frames[1])
	if n := testing.AllocsPerRun(100, func() { _ = f.Parse(b) }); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func BenchmarkParse(b *testing.B) {
	var f Frame
	frame := []byte(`{"topic":"menu","key":"load-007","seq":1042,"value":{"id":"load-007","name":"Load test 007","description":"` + string(bytes.Repeat([]byte("x"), 100)) + `","price":{"amount":100,"currency":"EUR"},"remaining":3},"cursor":"k3f9.1042"}`)
	b.SetBytes(int64(len(frame)))
	for b.Loop() {
		if err := f.Parse(frame); err != nil {
			b.Fatal(err)
		}
	}
}
