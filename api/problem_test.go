package api

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"everything.local/event"
)

func decodeProblem(t *testing.T, r response) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal(r.body, &p); err != nil || r.header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("no problem: %d %s %s: %v", r.status, r.header.Get("Content-Type"), r.body, err)
	}
	return p
}

// The table has every code that package event declares, and no other.
func TestKindsAreComplete(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../event/code.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[event.Code]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && fmt.Sprint(v.Type) == "Code" {
			text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes[event.Code(text)] = true
		}
		return true
	})
	if len(codes) < 30 {
		t.Fatalf("found %d codes only", len(codes))
	}
	for code := range codes {
		if k, ok := kinds[code]; !ok || http.StatusText(k.status) == "" || k.rpc == 0 {
			t.Errorf("%s has no status on some wire", code)
		}
	}
	for code := range kinds {
		if !codes[code] {
			t.Errorf("%s is no code", code)
		}
	}
}

// What goes wrong inside is logged once and told to nobody.
func TestInternalTextStaysInside(t *testing.T) {
	for name, err := range map[string]error{
		"plain":        errors.New("disk /secret is full"),
		"internal":     event.Errorf(event.Internal, "disk /secret is full"),
		"unknown code": event.Errorf("made_up", "disk /secret is full"),
	} {
		t.Run(name, func(t *testing.T) {
			logged := &buffer{}
			w := httptest.NewRecorder()
			writeProblem(w, httptest.NewRequest("GET", "/v1/menu", nil), slog.New(slog.NewTextHandler(logged, nil)), err)
			if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if n := strings.Count(logged.String(), "secret"); n != 1 {
				t.Errorf("logged %d times: %s", n, logged)
			}
		})
	}
}

func TestWriteErrorSaysWhenToRetry(t *testing.T) {
	w := httptest.NewRecorder()
	WriteError(w, httptest.NewRequest("GET", "/v1/menu", nil), fmt.Errorf("feed: %w", event.Errorf(event.Behind, "not yet").At("after")))
	p := decodeProblem(t, response{w.Code, w.Header(), w.Body.Bytes()})
	want := problem{"about:blank", "Service Unavailable", 503, event.Behind, "not yet", "after"}
	if p != want || w.Header().Get("Retry-After") != "1" {
		t.Errorf("%+v, Retry-After %q", p, w.Header().Get("Retry-After"))
	}
	w = httptest.NewRecorder()
	w.Header().Set("Retry-After", "60")
	WriteError(w, httptest.NewRequest("GET", "/v1/menu", nil), event.Errorf(event.TooManyRequests, "slower"))
	if got := w.Header().Get("Retry-After"); got != "60" {
		t.Errorf("Retry-After of who refused became %q", got)
	}
}

// In early data only what changes nothing is served.
func TestEarlyData(t *testing.T) {
	served := RefuseEarlyData(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	for _, c := range []struct {
		method string
		tls    *tls.ConnectionState
		status int
	}{
		{"POST", &tls.ConnectionState{}, http.StatusTooEarly},
		{"DELETE", &tls.ConnectionState{}, http.StatusTooEarly},
		{"GET", &tls.ConnectionState{}, http.StatusOK},
		{"HEAD", &tls.ConnectionState{}, http.StatusOK},
		{"POST", &tls.ConnectionState{HandshakeComplete: true}, http.StatusOK},
		{"POST", nil, http.StatusOK},
	} {
		r := httptest.NewRequest(c.method, "/v1/orders", nil)
		r.TLS = c.tls
		w := httptest.NewRecorder()
		served.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s with %+v: %d, want %d", c.method, c.tls != nil, w.Code, c.status)
		}
	}
}
