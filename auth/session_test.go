package auth

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"everything.local/event"
)

// approvals are the codes that staff have approved.
type approvals struct {
	mu      sync.Mutex
	screens map[string]string
}

func (a *approvals) Approved(code string) (string, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.screens[code]
	return s, ok
}

func (a *approvals) approve(code, screen string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.screens == nil {
		a.screens = map[string]string{}
	}
	a.screens[code] = screen
}

// house is an Auth as a hub serves it, called without a network.
type house struct {
	*Auth
	keys      *Keys
	approvals *approvals
	handler   http.Handler
}

// writeError answers with what a test looks at.
func writeError(w http.ResponseWriter, _ *http.Request, err error) {
	answer := struct {
		Code   event.Code
		Field  string
		Detail string
	}{Code: event.CodeOf(err), Detail: err.Error()}
	if e, ok := errors.AsType[*event.Error](err); ok {
		answer.Field = e.Field
	}
	w.WriteHeader(http.StatusTeapot)
	_ = json.NewEncoder(w).Encode(answer)
}

func newHouse(t *testing.T, change func(*Config)) *house {
	t.Helper()
	h := &house{keys: openKeys(t), approvals: &approvals{}}
	c := Config{Keys: h.keys, WriteError: writeError, AllowGuests: true, Pairings: h.approvals}
	if change != nil {
		change(&c)
	}
	h.Auth = New(c)
	mux := http.NewServeMux()
	h.Register(mux)
	h.handler = h.Protect(mux)
	return h
}

// answer is what came back; Code is "" for success.
type answer struct {
	Code                        event.Code
	Field, Detail               string
	Role                        Role
	ID, Customer, Name, Expires string
	Device, Ticket              string
	status                      int
	header                      http.Header
	cookie                      *http.Cookie
}

// call sends a request with headers given as "Name: value".
func (h *house) call(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	r := httptest.NewRequest(method, "https://hub.local:8443"+path, strings.NewReader(body))
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	return h.serve(t, r)
}

func (h *house) serve(t *testing.T, r *http.Request) answer {
	t.Helper()
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	var a answer
	// A pairing's code arrives in Code too: there is no error by that name.
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Fatalf("answer %q: %v", w.Body, err)
		}
	}
	a.status, a.header = w.Code, w.Header()
	for _, c := range w.Result().Cookies() {
		a.cookie = c
	}
	return a
}

func cookieOf(a answer) string { return "Cookie: " + a.cookie.Name + "=" + a.cookie.Value }

func TestGuestSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		ada := h.call(t, "POST", "/v1/session", `{"name":" Ada "}`)
		if ada.status != http.StatusOK || ada.Role != Customer || ada.Name != "Ada" || ada.Customer == "" || ada.Customer != ada.ID {
			t.Fatalf("a guest is %+v", ada)
		}
		if want := event.FormatTime(time.Now().Add(customerLifetime)); ada.Expires != want {
			t.Errorf("expires %s, want %s", ada.Expires, want)
		}
		c := ada.cookie
		if c.Name != "__Host-hub" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" ||
			c.MaxAge != int(customerLifetime/time.Second) {
			t.Errorf("the cookie is %s", c)
		}
		if ada.header.Get("Cache-Control") != "no-store" {
			t.Error("the answer may be cached")
		}

		again := h.call(t, "GET", "/v1/session", "", cookieOf(ada))
		if again.ID != ada.ID || again.Name != "Ada" {
			t.Errorf("the cookie's bearer is %+v", again)
		}
		time.Sleep(24 * time.Hour)
		renamed := h.call(t, "POST", "/v1/session", `{"name":"Ada L"}`, cookieOf(ada))
		if renamed.ID != ada.ID || renamed.Name != "Ada L" || renamed.Expires <= ada.Expires {
			t.Errorf("a guest by another name is %+v, was %+v", renamed, ada)
		}
		if eve := h.call(t, "POST", "/v1/session", `{"name":"Ada"}`); eve.ID == ada.ID {
			t.Error("two guests are one")
		}
		if out := h.call(t, "DELETE", "/v1/session", "", cookieOf(ada)); out.status != http.StatusNoContent || out.cookie.MaxAge >= 0 {
			t.Errorf("after signing out: %d, cookie %s", out.status, out.cookie)
		}
	})
}

func TestSessionByToken(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.AllowGuests = false })
	token := sign(t, h.keys, Claims{Role: Barista, Subject: "bob", TTL: time.Hour})
	bob := h.call(t, "POST", "/v1/session", `{"token":"`+token+`"}`)
	if bob.Code != "" || bob.Role != Barista || bob.Customer != "" {
		t.Fatalf("the barista is %+v", bob)
	}
	if got := h.call(t, "GET", "/v1/session", "", cookieOf(bob)); got.ID != bob.ID {
		t.Errorf("by cookie: %+v", got)
	}
	if got := h.call(t, "GET", "/v1/session", "", "Authorization: bearer "+token); got.ID != bob.ID {
		t.Errorf("by header: %+v", got)
	}
	if got := h.call(t, "POST", "/v1/session", `{"name":"Eve"}`); got.Code != event.Forbidden {
		t.Errorf("a guest where none are allowed: %+v", got)
	}
}

// TestLapsedCookie holds that public things go on for a browser whose cookie is
// good no more, and that it is told why the others do not.
func TestLapsedCookie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, other := newHouse(t, nil), newHouse(t, nil)
		ada := h.call(t, "POST", "/v1/session", `{"name":"Ada"}`)
		time.Sleep(customerLifetime)
		for _, test := range []struct {
			h    *house
			want event.Code
		}{{h, event.TokenExpired}, {other, event.BadToken}} {
			r := httptest.NewRequest("GET", "/v1/menu", nil)
			r.AddCookie(ada.cookie)
			i, err := test.h.Identify(r)
			if err != nil || i.Role != Anonymous {
				t.Fatalf("identified as %+v, %v; want nobody", i, err)
			}
			if err := i.MaySee(event.Menu); err != nil {
				t.Errorf("the menu: %v", err)
			}
			for _, err := range []error{i.MaySee(event.Kitchen), i.May(PlaceOrder)} {
				if event.CodeOf(err) != test.want {
					t.Errorf("error %v, want %s", err, test.want)
				}
			}
			got := test.h.call(t, "GET", "/v1/session", "", cookieOf(ada))
			if got.Code != test.want || got.cookie == nil || got.cookie.MaxAge >= 0 {
				t.Errorf("GET /v1/session: %+v, want %s and the cookie gone", got, test.want)
			}
		}
	})
}

func TestIdentifyRefuses(t *testing.T) {
	h := newHouse(t, nil)
	token := sign(t, h.keys, Claims{Role: Admin, Subject: "root"})
	for _, test := range []struct {
		name    string
		headers []string
		want    event.Code
	}{
		{"nobody", nil, event.Unauthenticated},
		{"basic", []string{"Authorization: Basic cm9vdDpyb290"}, event.BadToken},
		{"no token", []string{"Authorization: Bearer "}, event.BadToken},
		{"bare token", []string{"Authorization: " + token}, event.BadToken},
		{"two", []string{"Authorization: Bearer " + token, "Authorization: Bearer " + token}, event.BadToken},
		{"bad", []string{"Authorization: Bearer " + token[:len(token)-2]}, event.BadToken},
		// A header that is there counts, good or bad: no falling back.
		{"bad beside a good cookie", []string{"Authorization: Bearer x", "Cookie: __Host-hub=" + token}, event.BadToken},
		{"another cookie", []string{"Cookie: hub=" + token}, event.Unauthenticated},
	} {
		if got := h.call(t, "GET", "/v1/session", "", test.headers...); got.Code != test.want {
			t.Errorf("%s: %+v, want %s", test.name, got, test.want)
		}
	}
}

func TestBadSessionBodies(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.SessionLimit = Limit{PerSecond: 1000, Burst: 1000} })
	expired := func() string {
		var token string
		synctest.Test(t, func(t *testing.T) { token = sign(t, h.keys, Claims{Role: Admin, Subject: "root"}) })
		return token // of the year 2000
	}()
	for _, test := range []struct {
		name, body string
		code       event.Code
		field      string
	}{
		{"empty", "", event.Malformed, ""},
		{"not JSON", "name=Ada", event.Malformed, ""},
		{"list", `[{"name":"Ada"}]`, event.Malformed, ""},
		{"null", `null`, event.Malformed, ""},
		{"half", `{"name":"Ada"`, event.Malformed, ""},
		{"two", `{"name":"Ada"}{"name":"Eve"}`, event.Malformed, ""},
		{"number", `{"name":1}`, event.Malformed, "name"},
		{"unknown field", `{"name":"Ada","role":"admin"}`, event.UnknownField, "role"},
		{"twice", `{"name":"Ada","name":"Eve"}`, event.Malformed, "name"},
		{"other letters", `{"NAME":"Ada"}`, event.UnknownField, "NAME"},
		{"too large", `{"name":"` + strings.Repeat("a", maxBody) + `"}`, event.TooLarge, ""},
		{"nothing", `{}`, event.Invalid, ""},
		{"everything", `{"name":"Ada","token":"x"}`, event.Invalid, ""},
		{"code alone", `{"code":"123456"}`, event.Invalid, ""},
		{"no name", `{"name":""}`, event.BadText, "name"},
		{"spaces", `{"name":" \t "}`, event.BadText, "name"},
		{"dots", `{"name":"..."}`, event.BadText, "name"},
		{"long name", `{"name":"` + strings.Repeat("é", MaxNameLength+1) + `"}`, event.BadText, "name"},
		{"control", `{"name":"A\u0007da"}`, event.BadText, "name"},
		{"line break", `{"name":"A\nda"}`, event.BadText, "name"},
		{"right to left override", `{"name":"A\u202eda"}`, event.BadText, "name"},
		{"half a surrogate", `{"name":"A\ud800"}`, event.BadText, "name"},
		{"invalid UTF-8", "{\"name\":\"A\xff\"}", event.BadText, ""},
		{"bad token", `{"token":"x"}`, event.BadToken, ""},
		{"expired token", `{"token":"` + expired + `"}`, event.TokenExpired, ""},
		{"unknown code", `{"code":"123456","device":"x"}`, event.NotFound, "code"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := h.call(t, "POST", "/v1/session", test.body)
			if got.Code != test.code || got.Field != test.field {
				t.Errorf("%s at %q (%s), want %s at %q", got.Code, got.Field, got.Detail, test.code, test.field)
			}
			if got.cookie != nil {
				t.Errorf("a cookie came with it: %s", got.cookie)
			}
		})
	}
	for _, name := range []string{"Ada", "Zoë", "李雷", "O'Brien-Smith Jr.", "👩‍👩‍👧", "می\u200cخواهم", "7", strings.Repeat("é", MaxNameLength)} {
		if got := h.call(t, "POST", "/v1/session", `{"name":"`+name+`"}`); got.Name != name {
			t.Errorf("the guest %s is %+v", name, got)
		}
	}
}

func TestBodyThatNeverEnds(t *testing.T) {
	h := newHouse(t, nil)
	for _, test := range []struct {
		err  error
		want event.Code
	}{{os.ErrDeadlineExceeded, event.RequestTimeout}, {io.ErrUnexpectedEOF, event.Malformed}} {
		body := io.MultiReader(strings.NewReader(`{"na`), readerFunc(func([]byte) (int, error) { return 0, test.err }))
		if got := h.serve(t, httptest.NewRequest("POST", "/v1/session", body)); got.Code != test.want {
			t.Errorf("after %v: %+v, want %s", test.err, got, test.want)
		}
	}
}

func TestFeedTicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		if got := h.call(t, "POST", "/v1/feed/ticket", ""); got.Code != event.Unauthenticated {
			t.Errorf("a ticket for nobody: %+v", got)
		}
		session := h.call(t, "POST", "/v1/session", `{"name":"Ada"}`)
		got := h.call(t, "POST", "/v1/feed/ticket", "", cookieOf(session))
		if want := event.FormatTime(time.Now().Add(TicketLifetime)); got.Expires != want {
			t.Errorf("the ticket expires %s, want %s", got.Expires, want)
		}
		i, err := h.Ticket(got.Ticket)
		if err != nil {
			t.Fatal(err)
		}
		if !i.FeedOnly || i.ID != session.ID || event.FormatTime(i.Expires) != session.Expires {
			t.Errorf("the ticket's bearer is %+v; the feed ends when the session does", i)
		}

		// It opens a feed, and nothing else takes it.
		bearer := "Authorization: Bearer " + got.Ticket
		r := httptest.NewRequest("GET", "/v1/feed", nil)
		r.Header.Set("Authorization", "Bearer "+got.Ticket)
		if i, err := h.IdentifyFeed(r); err != nil || i.ID != session.ID {
			t.Errorf("on a feed: %+v, %v", i, err)
		}
		if _, err := h.Identify(r); event.CodeOf(err) != event.Forbidden {
			t.Errorf("elsewhere: %v, want forbidden", err)
		}
		for path, want := range map[string]event.Code{"/v1/session": event.Forbidden, "/v1/feed/ticket": event.Forbidden} {
			method := map[bool]string{true: "GET", false: "POST"}[path == "/v1/session"]
			if a := h.call(t, method, path, "", bearer); a.Code != want {
				t.Errorf("%s %s with a ticket: %+v, want %s", method, path, a, want)
			}
		}
		if a := h.call(t, "POST", "/v1/session", `{"token":"`+got.Ticket+`"}`); a.Code != event.BadToken || a.cookie != nil {
			t.Errorf("a session by ticket: %+v", a)
		}
		if a := h.call(t, "GET", "/v1/session", "", "Cookie: __Host-hub="+got.Ticket); a.Code != event.BadToken {
			t.Errorf("a ticket as cookie: %+v", a)
		}

		time.Sleep(TicketLifetime)
		if _, err := h.Ticket(got.Ticket); event.CodeOf(err) != event.TokenExpired {
			t.Errorf("after a minute: %v, want token_expired", err)
		}
	})
}

func TestTicketEndsWithItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		token := sign(t, h.keys, Claims{Role: Barista, Subject: "bob", TTL: 10 * time.Second})
		got := h.call(t, "POST", "/v1/feed/ticket", "", "Authorization: Bearer "+token)
		if want := event.FormatTime(time.Now().Add(10 * time.Second)); got.Expires != want {
			t.Errorf("the ticket expires %s, its session %s", got.Expires, want)
		}
	})
}

func FuzzSessionBody(f *testing.F) {
	for _, s := range []string{``, `{}`, `{"name":"Ada"}`, `{"token":"a.b.c"}`, `{"code":"1","device":"2"}`, `{"x":1}`, "{\"name\":\"\xff\"}", `{"name":"A"} {}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got sessionRequest
		if err := parseJSON(body, &got); err != nil {
			if e, ok := errors.AsType[*event.Error](err); !ok || e.Detail == "" || len(e.Error()) > 300 {
				t.Errorf("error %v", err)
			}
			return
		}
		// What was taken is one object, and reads the same again.
		b, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var again sessionRequest
		if err := json.Unmarshal(b, &again); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(got, again); d != "" {
			t.Error(d)
		}
		if got.Name != nil {
			if name, err := cleanName(*got.Name); err == nil {
				if twice, err := cleanName(name); err != nil || twice != name {
					t.Errorf("%q is clean, and then %q, %v", name, twice, err)
				}
			}
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// TestGuestIsExpected holds that whoever prepares for a guest's first order is
// told of guests, by the customer whose order it will be, and of nobody else.
func TestGuestIsExpected(t *testing.T) {
	var told []string
	h := newHouse(t, func(c *Config) {
		c.Expect = func(_ context.Context, customer string) { told = append(told, customer) }
	})
	guest := h.call(t, "POST", "/v1/session", `{"name":"Ada"}`)
	h.call(t, "POST", "/v1/session", `{"name":""}`)
	h.call(t, "POST", "/v1/session", `{"token":"x"}`)
	h.call(t, "POST", "/v1/session", `{"token":"`+sign(t, h.keys, Claims{Role: Barista, Subject: "bob"})+`"}`)
	if diff := cmp.Diff([]string{guest.Customer}, told); guest.Customer == "" || diff != "" {
		t.Error(diff)
	}
}
