package api

import (
	"net/http"
	"slices"
	"testing"

	"everything.local/auth"
	"everything.local/event"
)

// Who may give which command: everybody else is refused before it is decided,
// nobody with 401 and somebody with 403.
func TestRoles(t *testing.T) {
	s := newSite(t)
	placed := s.do("POST", "/v1/orders", latte, s.as(auth.Customer, "ada")).order(t).ID
	order := "/v1/orders/" + placed
	staff := []auth.Role{auth.Barista, auth.Admin}
	orderers := append([]auth.Role{auth.Customer}, staff...)
	for _, c := range []struct {
		method, path, body string
		may                []auth.Role
	}{
		{"POST", "/v1/orders", latte, orderers},
		{"GET", "/v1/orders", "", orderers},
		{"GET", order, "", orderers},
		{"POST", order + "/cancel", "", orderers},
		{"POST", order + "/accept", "", staff},
		{"POST", order + "/decline", "", staff},
		{"POST", order + "/start", "", staff},
		{"POST", order + "/ready", "", staff},
		{"POST", order + "/pickup", "", staff},
		{"POST", "/v1/menu/latte/availability", `{"available":true}`, staff},
		{"PUT", "/v1/menu/tea", `{}`, []auth.Role{auth.Admin}},
		{"DELETE", "/v1/menu/nothing", "", []auth.Role{auth.Admin}},
		{"POST", "/v1/announcements", `{"text":"Hello"}`, staff},
		{"DELETE", "/v1/announcements/nothing", "", staff},
		{"POST", "/v1/screens", `{"code":"482913"}`, staff},
		{"DELETE", "/v1/customers/nobody", "", []auth.Role{auth.Admin}},
	} {
		for _, role := range []auth.Role{auth.Anonymous, auth.Customer, auth.Barista, auth.Admin, auth.Display} {
			var headers []header
			if role != auth.Anonymous {
				headers = append(headers, s.as(role, "ada"))
			}
			r := s.do(c.method, c.path, c.body, headers...)
			refused := r.code() == event.Forbidden || r.code() == event.Unauthenticated ||
				// Whoever may not see an order may not know of it.
				c.path == order && r.code() == event.NotFound
			if refused == slices.Contains(c.may, role) {
				t.Errorf("%s %s as %q: %d %s", c.method, c.path, role, r.status, r.body)
			}
			if role == auth.Anonymous && r.status != http.StatusUnauthorized {
				t.Errorf("%s %s as nobody: %d", c.method, c.path, r.status)
			}
		}
	}
	for _, public := range []string{"/v1/menu", "/v1/announcements", "/v1/hub"} {
		if r := s.do("GET", public, ""); r.status != http.StatusOK || r.header.Get("Hub-Cursor") == "" {
			t.Errorf("%s: %d %s", public, r.status, r.body)
		}
	}
}
