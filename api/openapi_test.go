package api

import (
	"net/http"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// The document that is served has every path and method there is, and refers
// to nothing that it does not have.
func TestOpenAPI(t *testing.T) {
	s := newSite(t)
	r := s.do("GET", "/openapi.yaml", "")
	var doc struct {
		OpenAPI    string `yaml:"openapi"`
		Paths      map[string]map[string]any
		Components map[string]map[string]any
	}
	if err := yaml.Unmarshal(r.body, &doc); err != nil || r.status != http.StatusOK || !strings.HasPrefix(doc.OpenAPI, "3.") {
		t.Fatalf("%d, OpenAPI %q: %v", r.status, doc.OpenAPI, err)
	}
	for _, rt := range s.api.routes {
		if doc.Paths[rt.pattern][strings.ToLower(rt.method)] == nil {
			t.Errorf("%s %s is not in it", rt.method, rt.pattern)
		}
	}
	for _, other := range []string{
		"GET /v1/session", "POST /v1/session", "DELETE /v1/session", "POST /v1/feed/ticket", "POST /v1/pairing",
		"GET /v1/feed", "GET /healthz", "GET /readyz", "GET /metrics", "GET /openapi.yaml",
	} {
		method, path, _ := strings.Cut(other, " ")
		if doc.Paths[path][strings.ToLower(method)] == nil {
			t.Errorf("%s is not in it", other)
		}
	}
	refs := 0
	for ref := range strings.SplitSeq(string(r.body), "$ref: '#/components/") {
		if refs++; refs == 1 {
			continue
		}
		ref, _, _ = strings.Cut(ref, "'")
		kind, name, _ := strings.Cut(ref, "/")
		if doc.Components[kind][name] == nil {
			t.Errorf("%s is referred to and not there", ref)
		}
	}
	if refs < 50 {
		t.Errorf("found %d references only", refs)
	}
}
