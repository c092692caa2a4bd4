package auth

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"everything.local/event"
)

const sister = "https://pi-2.local:8443"

func TestCrossOriginRequests(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Origins = []string{sister + "/"} })
	token := sign(t, h.keys, Claims{Role: Barista, Subject: "bob"})
	bearer := "Authorization: Bearer " + token
	cookie := "Cookie: __Host-hub=" + token
	const evil, own = "Origin: https://evil.example", "Origin: https://hub.local:8443"
	for _, test := range []struct {
		name    string
		method  string
		headers []string
		want    event.Code
		allowed string // to read the answer
	}{
		{"program", "POST", []string{bearer}, "", ""},
		{"own page", "POST", []string{cookie, own, "Sec-Fetch-Site: same-origin"}, "", ""},
		{"own page, old browser", "POST", []string{cookie, own}, "", ""},
		{"another site's page", "POST", []string{cookie, evil, "Sec-Fetch-Site: cross-site"}, event.CrossOrigin, ""},
		{"another site's page, old browser", "POST", []string{cookie, evil}, event.CrossOrigin, ""},
		{"another port's page", "POST", []string{cookie, "Origin: https://hub.local:9", "Sec-Fetch-Site: same-site"}, event.CrossOrigin, ""},
		{"a sandboxed page", "POST", []string{cookie, "Origin: null"}, event.CrossOrigin, ""},
		{"another hub's page by cookie", "POST", []string{cookie, "Origin: " + sister, "Sec-Fetch-Site: same-site"}, event.CrossOrigin, sister},
		{"another site's page with a token", "POST", []string{bearer, evil, "Sec-Fetch-Site: cross-site"}, "", "https://evil.example"},
		{"another hub's page with a token", "POST", []string{bearer, "Origin: " + sister, "Sec-Fetch-Site: cross-site"}, "", sister},
		{"another site's page reading", "GET", []string{cookie, evil, "Sec-Fetch-Site: cross-site"}, event.Unauthenticated, ""},
		{"another port's page reading", "GET", []string{cookie, "Origin: https://hub.local:9", "Sec-Fetch-Site: same-site"}, event.Unauthenticated, ""},
		{"own page reading", "GET", []string{cookie, "Sec-Fetch-Site: same-origin"}, "", ""},
		{"another hub's page reading", "GET", []string{"Origin: " + sister}, event.Unauthenticated, sister},
	} {
		path := map[string]string{"POST": "/v1/feed/ticket", "GET": "/v1/session"}[test.method]
		got := h.call(t, test.method, path, "", test.headers...)
		if got.Code != test.want {
			t.Errorf("%s: %+v, want code %q", test.name, got, test.want)
		}
		if allowed := got.header.Get("Access-Control-Allow-Origin"); allowed != test.allowed {
			t.Errorf("%s: %q may read the answer, want %q", test.name, allowed, test.allowed)
		}
		if got.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: credentials are allowed across origins", test.name)
		}
		if got.header.Get("Vary") != "Origin" {
			t.Errorf("%s: the answer does not vary by origin", test.name)
		}
	}
}

// TestSessionsAreMadeAtHome: a page that could give its visitor a session
// would see what they do with it. Not even a token helps.
func TestSessionsAreMadeAtHome(t *testing.T) {
	h := newHouse(t, nil)
	token := sign(t, h.keys, Claims{Role: Barista, Subject: "eve"})
	headers := []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Authorization: Bearer " + token}
	for _, n := range []int{2, 3} {
		for method, path := range map[string]string{"POST": "/v1/session", "DELETE": "/v1/session"} {
			got := h.call(t, method, path, `{"name":"Eve"}`, headers[:n]...)
			if got.Code != event.CrossOrigin || got.cookie != nil {
				t.Errorf("%s %s: %+v, want cross_origin", method, path, got)
			}
		}
	}
}

func TestPreflight(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Origins = []string{sister} })
	for _, test := range []struct {
		name, origin, asks string
		allowed            bool
	}{
		{"with a token", "https://evil.example", "content-type, authorization", true},
		{"without", "https://evil.example", "content-type", false},
		{"another hub's page", sister, "hub-cursor", true},
		{"null origin with a token", "null", "Authorization", true},
	} {
		got := h.call(t, "OPTIONS", "/v1/orders", "", "Origin: "+test.origin, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: "+test.asks)
		if !test.allowed {
			if got.Code != event.CrossOrigin || got.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s: %+v, want cross_origin", test.name, got)
			}
			continue
		}
		if got.status != http.StatusNoContent || got.header.Get("Access-Control-Allow-Origin") != test.origin ||
			!strings.Contains(got.header.Get("Access-Control-Allow-Headers"), "Authorization") ||
			got.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %d, %v", test.name, got.status, got.header)
		}
	}
}

func TestCheckOrigin(t *testing.T) {
	h := newHouse(t, func(c *Config) { c.Origins = []string{sister} })
	for _, test := range []struct {
		name    string
		plain   bool
		headers []string
		ok      bool
	}{
		{"program", false, nil, true},
		{"own page", false, []string{"Origin: https://hub.local:8443"}, true},
		{"own page, upper case", false, []string{"Origin: https://HUB.local:8443"}, true},
		{"own page, EventSource", false, []string{"Sec-Fetch-Site: same-origin"}, true},
		{"own page without TLS", true, []string{"Origin: http://hub.local:8443"}, true},
		{"own name without TLS", false, []string{"Origin: http://hub.local:8443"}, false},
		{"another port", false, []string{"Origin: https://hub.local:9"}, false},
		{"another hub", false, []string{"Origin: " + sister, "Sec-Fetch-Site: same-site"}, true},
		{"another site", false, []string{"Origin: https://evil.example"}, false},
		{"another site, no origin", false, []string{"Sec-Fetch-Site: cross-site"}, false},
		{"another site with a token", false, []string{"Origin: https://evil.example", "Authorization: Bearer x"}, true},
		{"null", false, []string{"Origin: null"}, false},
		{"damaged", false, []string{"Origin: https://%"}, false},
	} {
		r := httptest.NewRequest("GET", "/v1/feed", nil)
		r.Host = "hub.local:8443"
		if !test.plain {
			r.TLS = &tls.ConnectionState{}
		}
		for _, line := range test.headers {
			name, value, _ := strings.Cut(line, ": ")
			r.Header.Set(name, value)
		}
		err := h.CheckOrigin(r)
		if test.ok != (err == nil) || err != nil && event.CodeOf(err) != event.CrossOrigin {
			t.Errorf("%s: error %v, ok is %t", test.name, err, test.ok)
		}
	}
}

func TestNoSecretsInAddresses(t *testing.T) {
	h := newHouse(t, nil)
	token := sign(t, h.keys, Claims{Role: Admin, Subject: "root"})
	for _, name := range []string{"token", "access_token", "Access_Token", "ticket", "%74oken"} {
		got := h.call(t, "GET", "/v1/session?a=b&"+name+"="+token, "", "Authorization: Bearer "+token)
		if got.Code != event.Invalid || !strings.Contains(got.Detail, "Authorization header") || strings.Contains(got.Detail, token) {
			t.Errorf("?%s=: %+v, want invalid", name, got)
		}
	}
	if got := h.call(t, "GET", "/v1/session?topics=menu", "", "Authorization: Bearer "+token); got.Code != "" {
		t.Errorf("an ordinary parameter: %+v", got)
	}
}
