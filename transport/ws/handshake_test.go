package ws

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"everything.local/event"
)

func TestHandshake(t *testing.T) {
	r := newRig(t, setup{})
	const good = "GET /v1/feed HTTP/1.1|Host: hub|Upgrade: websocket|Connection: Upgrade|Sec-WebSocket-Version: 13|Sec-WebSocket-Key: " + key
	change := func(from, to string) string { return strings.Replace(good, from, to, 1) }
	for _, tt := range []struct {
		name, head string
		code       event.Code // "" for a handshake that is fine
	}{
		{"the RFC's example", good, ""},
		{"other cases", change("websocket|Connection: Upgrade", "WebSocket|Connection: upgrade"), ""},
		{"Connection is a list", change("Connection: Upgrade", "Connection: keep-alive, Upgrade"), ""},
		{"Connection comes twice", change("Connection: Upgrade", "Connection: keep-alive|Connection: Upgrade"), ""},
		{"extensions and subprotocols are not taken up", good + "|Sec-WebSocket-Extensions: permessage-deflate|Sec-WebSocket-Protocol: feed", ""},
		{"POST", change("GET", "POST"), event.MethodNotAllowed},
		{"HTTP/1.0", change("HTTP/1.1", "HTTP/1.0"), event.Invalid},
		{"no Connection", change("|Connection: Upgrade", ""), event.Invalid},
		{"another Connection", change("Connection: Upgrade", "Connection: close"), event.Invalid},
		{"no version", change("|Sec-WebSocket-Version: 13", ""), event.UnknownVersion},
		{"an old version", change("Version: 13", "Version: 8"), event.UnknownVersion},
		{"two versions", change("Version: 13", "Version: 13, 8"), event.UnknownVersion},
		{"no key", change("|Sec-WebSocket-Key: "+key, ""), event.Invalid},
		{"two keys", good + "|Sec-WebSocket-Key: " + key, event.Invalid},
		{"a short key", change(key, "c2hvcnQ="), event.Invalid},
		{"a key of 17 bytes", change(key, "MDEyMzQ1Njc4OWFiY2RlZmc="), event.Invalid},
		{"a key that is not base64", change(key, "!!!!!!!!!!!!!!!!!!!!!!=="), event.Invalid},
		{"a body", good + "|Content-Length: 2||{}", event.Invalid},
		{"a query", change("/v1/feed", "/v1/feed?topics=menu"), event.Invalid},
		{"a page of another origin", good + "|Origin: https://elsewhere.example", event.CrossOrigin},
		{"a forged token", good + "|Authorization: Bearer forged", event.BadToken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := r.tls()
			p.t = t
			p.send([]byte(strings.ReplaceAll(tt.head, "|", "\r\n") + "\r\n\r\n"))
			if tt.code == "" {
				p.opened()
				p.send(client(one(opClose, "")))
				p.wantClose(noStatus)
				return
			}
			resp, err := http.ReadResponse(p.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var code event.Code
			if _, err := fmt.Fscan(resp.Body, &code); err != nil || code != tt.code {
				t.Errorf("got %s with %s, %v, want %s", resp.Status, code, err, tt.code)
			}
			checkRefusal(t, resp)
		})
	}
}

// checkRefusal checks the headers that go with some codes.
func checkRefusal(t *testing.T, resp *http.Response) {
	t.Helper()
	switch resp.StatusCode {
	case http.StatusUpgradeRequired:
		if got := resp.Header.Values("Sec-WebSocket-Version"); !slices.Equal(got, []string{"13"}) {
			t.Errorf("Sec-WebSocket-Version is %q", got)
		}
		if got := resp.Header.Get("Upgrade"); got != "websocket" {
			t.Errorf("Upgrade is %q", got)
		}
	case http.StatusMethodNotAllowed:
		if got := resp.Header.Get("Allow"); got != http.MethodGet {
			t.Errorf("Allow is %q", got)
		}
	}
}

// TestTakes: the wire leaves all other requests to the wires that are bodies.
func TestTakes(t *testing.T) {
	for _, tt := range []struct {
		major  int
		header http.Header
		want   bool
	}{
		{1, http.Header{"Upgrade": {"websocket"}}, true},
		{1, http.Header{"Upgrade": {"h2c, WebSocket"}}, true},
		{1, http.Header{"Upgrade": {"h2c"}}, false},
		{1, nil, false},
		{2, http.Header{"Upgrade": {"websocket"}}, false},
	} {
		if got := (Wire{}).Takes(&http.Request{ProtoMajor: tt.major, Header: tt.header}); got != tt.want {
			t.Errorf("HTTP/%d %v: %t", tt.major, tt.header, got)
		}
	}
}
