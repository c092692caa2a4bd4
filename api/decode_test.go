package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"everything.local/auth"
	"everything.local/event"
	pb "everything.local/proto"
)

// What decodeJSON takes, protojson takes as well and reads the same, and has
// no member that the schema does not; what it refuses has a code.
func FuzzPlaceOrderBody(f *testing.F) {
	for _, body := range []string{
		latte, "", "{}", "null", "[]", `{"items":null}`, `{"items":[null]}`, `{"items":[{"item":"latte","quantity":1e1}]}`,
		`{"items":[{"item":"latte","price":1}]}`, "{\"name\":\"\xff\"}", `{"name":"\ud800"}`, `{"name":"a","name":"b"}`,
		`{"items":[{"options":["oat-milk"]}]}`, `{} {}`, `{"items":[{"quantity":-0}]}`, strings.Repeat("[", 1000),
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got, want pb.PlaceOrderRequest
		if err := decodeJSON(body, &got); err != nil {
			if code := event.CodeOf(err); code == event.Internal || !utf8.ValidString(err.Error()) {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		if len(bytes.TrimSpace(body)) == 0 {
			return
		}
		if err := protojson.Unmarshal(body, &want); err != nil || !proto.Equal(&got, &want) {
			t.Fatalf("%q: %v, protojson has %v, %v", body, &got, &want, err)
		}
		if _, err := digest("k", &got); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
	})
}

// Whatever is sent to the paths of the schema gets an answer or a problem that
// is no fault of the hub, and bad requests change nothing.
func FuzzTranscoder(f *testing.F) {
	f.Add("GET", "orders", "open=true&limit=3", []byte(nil))
	f.Add("GET", "orders/%FF", "", []byte(nil))
	f.Add("POST", "orders", "", []byte(latte))
	f.Add("POST", "orders/nope/decline", "", []byte(`{"reason":"closing"}`))
	f.Add("PUT", "menu/tea", "", []byte(`{"name":"Tea","category":"Tea","price":{"amount":200,"currency":"EUR"},"allergens":["milk"]}`))
	f.Add("PUT", "menu/tea", "", []byte(`{"allergens":[1,null]}`))
	f.Add("POST", "menu/latte/availability", "", []byte(`{"available":true,"remaining":-1}`))
	f.Add("DELETE", "customers/x", "", []byte(nil))
	f.Add("POST", "announcements", "", []byte(`{"text":"x","from":"2026-01-01T00:00:00+25:00"}`))
	f.Add("BREW", "hub", "%", []byte(nil))
	keys := openKeys(f)
	f.Fuzz(func(t *testing.T, method, path, query string, body []byte) {
		target, err := url.Parse("https://hub.test/v1/" + path)
		if err != nil || !ascii(method) || method == "" {
			return // no request that a server would pass on
		}
		s := openSite(t, keys)
		before := s.follower.Cursor().Seq
		target.RawQuery = query
		r := request(t.Context(), http.MethodPost, "https://hub.test/", string(body), s.as(auth.Admin, "root"))
		r.Method, r.URL = method, target
		got := s.serveOne(r)
		if got.status >= http.StatusInternalServerError {
			t.Fatalf("%s %s %q: %d %s", method, target, body, got.status, got.body)
		}
		if method != http.MethodHead && len(got.body) > 0 && got.status >= 400 && !json.Valid(got.body) {
			t.Fatalf("%s %s: %d %s", method, target, got.status, got.body)
		}
		if head, err := s.log.Head(t.Context()); err != nil || got.status >= 400 && head != before {
			t.Fatalf("%s %s %q: refused with %d but the log went from %d to %d: %v", method, target, body, got.status, before, head, err)
		}
	})
}

func ascii(s string) bool {
	for _, c := range []byte(s) {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}

// A digest does not depend on spaces, order or defaults left out, but on
// everything that is asked for.
func TestDigest(t *testing.T) {
	of := func(key, body string) string {
		t.Helper()
		var req pb.PlaceOrderRequest
		if err := decodeJSON([]byte(body), &req); err != nil {
			t.Fatal(err)
		}
		d, err := digest(key, &req)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	one := of("k", `{"name":"Ada","items":[{"item":"latte"}]}`)
	if other := of("k", `{ "items": [ {"item": "latte", "size": ""} ], "name": "\u0041da", "note": null }`); other != one {
		t.Error("the same request has two digests")
	}
	for _, other := range []string{`{"name":"Ada","items":[{"item":"latte","quantity":1}]}`, `{"name":"Ada","items":[{"item":"mocha"}]}`, `{}`} {
		if of("k", other) == one {
			t.Errorf("%s has the digest of another request", other)
		}
	}
	if of("l", `{"name":"Ada","items":[{"item":"latte"}]}`) == one {
		t.Error("the key is not part of it")
	}
}
