package api

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"everything.local/auth"
	"everything.local/event"
)

// refusal is a bad request and what is said to it.
type refusal struct {
	name         string
	method, path string
	body         string
	headers      []header
	code         event.Code
	status       int
	field        string
}

// Bad input has its own code and status over every version of HTTP, a sentence
// for a person, and changes nothing.
func TestRefusals(t *testing.T) {
	s := newSite(t)
	url, clients := s.serve()
	ada, bob := s.as(auth.Customer, "ada"), s.as(auth.Barista, "bob")
	placed := s.do("POST", "/v1/orders", latte, ada).order(t).ID
	cases := append(badOrders(ada), badCallers(s, placed)...)
	cases = append(cases, badRequests(ada, bob, placed)...)
	before := s.follower.Cursor()
	for proto, client := range clients {
		for _, c := range cases {
			t.Run(proto+"/"+c.name, func(t *testing.T) {
				r := send(t, client, request(t.Context(), c.method, url+c.path, c.body, c.headers...))
				c.check(t, r)
			})
		}
	}
	if head, err := s.log.Head(t.Context()); err != nil || head != before.Seq {
		t.Errorf("the log is at %d, it was at %s: %v", head, before, err)
	}
	if logged := s.logged.String(); logged != "" {
		t.Errorf("refusals are no faults, but were logged: %s", logged)
	}
}

func (c refusal) check(t *testing.T, r response) {
	t.Helper()
	p := decodeProblem(t, r)
	if p.Code != c.code || r.status != c.status || p.Status != c.status || p.Field != c.field {
		t.Errorf("answered %d %s\nwant %d %s at %q", r.status, r.body, c.status, c.code, c.field)
	}
	if !strings.Contains(p.Detail, " ") || len(p.Detail) > 300 {
		t.Errorf("%q is no sentence for a person", p.Detail)
	}
	if c.status == http.StatusUnauthorized && !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer ") {
		t.Errorf("WWW-Authenticate is %q", r.header.Get("WWW-Authenticate"))
	}
}

func badOrders(ada header) []refusal {
	order := func(name, body string, code event.Code, status int, field string) refusal {
		return refusal{name, "POST", "/v1/orders", body, []header{ada}, code, status, field}
	}
	return []refusal{
		order("unknown drink", `{"items":[{"item":"petrol"}]}`, event.UnknownItem, 422, "items[0].item"),
		order("unknown size", `{"items":[{"item":"latte","size":"bucket"}]}`, event.UnknownOption, 422, "items[0].size"),
		order("price tampering", `{"items":[{"item":"latte","quantity":1,"price":1}]}`, event.UnknownField, 400, "items[0].price"),
		order("total tampering", `{"items":[{"item":"latte"}],"total":{"amount":1,"currency":"EUR"}}`, event.UnknownField, 400, "total"),
		order("nothing of it", `{"items":[{"item":"latte","quantity":0}]}`, event.BadQuantity, 422, "items[0].quantity"),
		order("10,000 of it", `{"items":[{"item":"latte","quantity":10000}]}`, event.BadQuantity, 422, "items[0].quantity"),
		order("more than can be counted", `{"items":[{"item":"latte","quantity":3000000000}]}`, event.Invalid, 400, "items[0].quantity"),
		order("half of it", `{"items":[{"item":"latte","quantity":0.5}]}`, event.Invalid, 400, "items[0].quantity"),
		order("a word as quantity", `{"items":[{"item":"latte","quantity":"1"}]}`, event.Invalid, 400, "items[0].quantity"),
		order("a number as name", `{"name":5,"items":[{"item":"latte"}]}`, event.Invalid, 400, "name"),
		order("one line as list", `{"items":{"item":"latte"}}`, event.Invalid, 400, "items"),
		order("empty order", `{"items":[]}`, event.BadQuantity, 422, "items"),
		order("no order", ``, event.BadQuantity, 422, "items"),
		order("not UTF-8", "{\"name\":\"\xff\",\"items\":[{\"item\":\"latte\"}]}", event.BadText, 422, ""),
		order("control character", `{"name":"A\u0007da","items":[{"item":"latte"}]}`, event.BadText, 422, "name"),
		order("long name", `{"name":"`+strings.Repeat("a", 500)+`","items":[{"item":"latte"}]}`, event.BadText, 422, "name"),
		order("unknown field", `{"tip":5,"items":[{"item":"latte"}]}`, event.UnknownField, 400, "tip"),
		order("2 MB", `{"name":"`+strings.Repeat("a", 2<<20)+`"}`, event.TooLarge, 413, ""),
		order("not JSON", `{"items":`, event.Malformed, 400, ""),
		order("not an object", `[1]`, event.Malformed, 400, ""),
		order("two objects", `{} {}`, event.Malformed, 400, ""),
		order("a member twice", `{"name":"a","name":"b","items":[{"item":"latte"}]}`, event.Malformed, 400, ""),
		order("half a character", `{"name":"\ud800","items":[{"item":"latte"}]}`, event.Malformed, 400, ""),
	}
}

func badCallers(s *site, placed string) []refusal {
	order := "/v1/orders/" + placed
	unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." +
		base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"ada","role":"admin","exp":4102444800}`)) + "."
	good := s.token(auth.Admin, "root")
	// The first character of the signature: of the last one some bits are spare.
	dot := strings.LastIndexByte(good, '.') + 1
	other := "A"
	if good[dot] == 'A' {
		other = "B"
	}
	forged := good[:dot] + other + good[dot+1:]
	bearer := func(token string) []header { return []header{{"Authorization", "Bearer " + token}} }
	return []refusal{
		{"nobody orders", "POST", "/v1/orders", latte, nil, event.Unauthenticated, 401, ""},
		{"nobody reads an order", "GET", order, "", nil, event.Unauthenticated, 401, ""},
		{"alg none", "POST", "/v1/orders", latte, bearer(unsigned), event.BadToken, 401, ""},
		{"forged token", "DELETE", "/v1/menu/latte", "", bearer(forged), event.BadToken, 401, ""},
		{"customer accepts", "POST", order + "/accept", "", []header{s.as(auth.Customer, "ada")}, event.Forbidden, 403, ""},
		{"barista edits the menu", "DELETE", "/v1/menu/latte", "", []header{s.as(auth.Barista, "bob")}, event.Forbidden, 403, ""},
		{"display orders", "POST", "/v1/orders", latte, []header{s.as(auth.Display, "tv")}, event.Forbidden, 403, ""},
		{"another's order is read", "GET", order, "", []header{s.as(auth.Customer, "eve")}, event.NotFound, 404, ""},
		{"another's order is cancelled", "POST", order + "/cancel", "", []header{s.as(auth.Customer, "eve")}, event.NotFound, 404, ""},
		{"another is forgotten", "DELETE", "/v1/customers/" + event.DeriveID("customer", "ada"), "", []header{s.as(auth.Customer, "eve")}, event.Forbidden, 403, ""},
	}
}

func badRequests(ada, bob header, placed string) []refusal {
	order := "/v1/orders/" + placed
	bobs, adas := []header{bob}, []header{ada}
	return []refusal{
		{"illegal transition", "POST", order + "/pickup", "", bobs, event.IllegalTransition, 409, ""},
		{"a reason for accepting", "POST", order + "/accept", `{"reason":"other"}`, bobs, event.UnknownField, 400, "reason"},
		{"an id in the body", "POST", order + "/accept", `{"id":"` + placed + `"}`, bobs, event.UnknownField, 400, "id"},
		{"bad reason", "POST", order + "/decline", `{"reason":"mood"}`, bobs, event.Invalid, 400, "reason"},
		{"no such order", "POST", "/v1/orders/nope/accept", "", bobs, event.NotFound, 404, ""},
		{"hostile id", "GET", "/v1/orders/a.%3E%2F*", "", adas, event.NotFound, 404, ""},
		{"id not UTF-8", "GET", "/v1/orders/%FF", "", adas, event.BadText, 422, "id"},
		{"unknown step", "POST", order + "/drink", "", bobs, event.NotFound, 404, ""},
		{"unknown path", "GET", "/v1/secrets", "", nil, event.NotFound, 404, ""},
		{"wrong method", "PATCH", "/v1/menu/latte", "{}", bobs, event.MethodNotAllowed, 405, ""},
		{"bad cursor", "GET", "/v1/menu", "", []header{{"Hub-Cursor", "yesterday"}}, event.BadCursor, 400, "Hub-Cursor"},
		{"form", "POST", "/v1/orders", "a=b", []header{ada, {"Content-Type", "application/x-www-form-urlencoded"}}, event.Malformed, 400, "Content-Type"},
		{"empty key", "POST", "/v1/orders", latte, []header{ada, key("")}, event.Invalid, 400, "Idempotency-Key"},
		{"long key", "POST", "/v1/orders", latte, []header{ada, key(strings.Repeat("k", maxKey+1))}, event.Invalid, 400, "Idempotency-Key"},
		{"key not ASCII", "POST", "/v1/orders", latte, []header{ada, key("né")}, event.Invalid, 400, "Idempotency-Key"},
		{"unknown parameter", "GET", "/v1/orders?all=true", "", adas, event.UnknownField, 400, "all"},
		{"parameter of a command", "POST", "/v1/orders?name=Ada", latte, adas, event.UnknownField, 400, "name"},
		{"parameter twice", "GET", "/v1/orders?limit=1&limit=2", "", adas, event.Invalid, 400, "limit"},
		{"parameter no number", "GET", "/v1/orders?limit=many", "", adas, event.Invalid, 400, "limit"},
		{"parameter too small", "GET", "/v1/orders?limit=0", "", adas, event.Invalid, 400, "limit"},
		{"parameter neither true nor false", "GET", "/v1/orders?open=1", "", adas, event.Invalid, 400, "open"},
		{"parameter for what the path has", "GET", order + "?id=x", "", adas, event.UnknownField, 400, "id"},
		{"broken query", "GET", "/v1/orders?limit=%zz", "", adas, event.Malformed, 400, ""},
		{"availability of nothing", "POST", "/v1/menu/latte/availability", `{}`, bobs, event.Invalid, 400, "available"},
		{"announcement without words", "POST", "/v1/announcements", `{}`, bobs, event.BadText, 422, "text"},
		{"announcement at no time", "POST", "/v1/announcements", `{"text":"x","from":"soon"}`, bobs, event.Invalid, 400, "from"},
		{"no pairing code", "POST", "/v1/screens", `{"code":"12"}`, bobs, event.Invalid, 400, "code"},
	}
}

// A path that exists says what it is for.
func TestAllow(t *testing.T) {
	s := newSite(t)
	for path, want := range map[string]string{
		"/v1/menu/latte":      "DELETE, PUT",
		"/v1/orders":          "GET, HEAD, POST",
		"/v1/orders/x/accept": "POST",
	} {
		r := s.do("PATCH", path, "")
		if got := r.header.Get("Allow"); got != want || r.status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d, Allow %q, want %q", path, r.status, got, want)
		}
	}
}

func TestExpiredToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		token, err := s.keys.Sign(auth.Claims{Role: auth.Customer, Subject: "ada", TTL: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		ada := header{"Authorization", "Bearer " + token}
		if r := s.do("POST", "/v1/orders", latte, ada); r.status != http.StatusCreated {
			t.Fatalf("%d %s", r.status, r.body)
		}
		time.Sleep(time.Hour)
		r := s.do("POST", "/v1/orders", latte, ada)
		refusal{code: event.TokenExpired, status: http.StatusUnauthorized}.check(t, r)
	})
}

// A body that does not end is answered when its time is up.
func TestRequestThatNeverEnds(t *testing.T) {
	s := newSite(t)
	url, clients := s.serve()
	for proto, client := range clients {
		t.Run(proto, func(t *testing.T) {
			for path, want := range map[string]int{
				"/v1/orders": http.StatusRequestTimeout,
				// Connect's status for deadline_exceeded.
				"/everything.v1.Hub/PlaceOrder": http.StatusGatewayTimeout,
			} {
				body, more := io.Pipe()
				t.Cleanup(func() { _ = more.Close() })
				r, err := http.NewRequestWithContext(t.Context(), "POST", url+path, body)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/json")
				res, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				if res.StatusCode != want {
					t.Errorf("%s: %s, want %d", path, res.Status, want)
				}
			}
		})
	}
}
