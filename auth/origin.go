package auth

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"everything.local/event"
)

// Protect wraps everything the hub serves. It refuses secrets in addresses,
// refuses requests that another site's page makes with a visitor's cookie, and
// lets pages of other origins read what they have a token for (CORS). No
// cookie ever counts across origins.
func (a *Auth) Protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := CheckQuery(r); err != nil {
			a.config.WriteError(w, r, err)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			w.Header().Add("Vary", "Origin")
			if a.preflight(w, r) {
				return
			}
			a.allowOrigin(w, r)
		}
		// A request with a token of its own does not rely on the cookie, and no
		// page can add the header to another origin's request unless allowed to.
		// A CONNECT opens feeds, for which CheckOrigin decides.
		if r.Header.Get("Authorization") == "" && r.Method != http.MethodConnect && a.csrf.Check(r) != nil {
			a.config.WriteError(w, r, errCrossOrigin())
			return
		}
		next.ServeHTTP(w, r)
	})
}

func errCrossOrigin() *event.Error {
	return event.Errorf(event.CrossOrigin, "this request comes from a page that is not the hub's; open the hub's own page, or send a token in the Authorization header")
}

// CheckOrigin returns nil if r, which opens a feed, may come from where it does:
// the hub's own pages, those of the site's other hubs, programs, and any page
// that sends a token. It matters where a browser sends the cookie and asks
// nobody, as with WebSockets (RFC 6455, section 10.2). The error has code
// CrossOrigin.
func (a *Auth) CheckOrigin(r *http.Request) error {
	if r.Header.Get("Authorization") != "" || a.ownOrigin(r) || a.listed(r) {
		return nil
	}
	return errCrossOrigin()
}

// ownOrigin reports whether r comes from the hub's own pages, or from no page.
func (*Auth) ownOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	case "":
	default:
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return err == nil && u.Scheme == scheme && strings.EqualFold(u.Host, r.Host)
}

func (a *Auth) listed(r *http.Request) bool {
	return a.origins[strings.ToLower(r.Header.Get("Origin"))]
}

// The parts of CORS (Fetch, section 3.2) that the hub speaks.
const (
	allowedMethods = "GET, POST, PUT, DELETE"
	allowedHeaders = "Authorization, Content-Type, Idempotency-Key, Hub-Cursor, Last-Event-ID"
	exposedHeaders = "Hub-Cursor, Retry-After, Location"
	// preflightAge is how long a browser may remember the answer, in seconds:
	// it does not change while a hub runs.
	preflightAge = "600"
)

// preflight answers a browser that asks whether a page of another origin may
// make a request: if it is to carry a token, or the page is another hub's.
func (a *Auth) preflight(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodOptions || r.Header.Get("Origin") == "" || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	asked := strings.Split(r.Header.Get("Access-Control-Request-Headers"), ",")
	token := slices.ContainsFunc(asked, func(h string) bool { return strings.EqualFold(strings.TrimSpace(h), "Authorization") })
	if !token && !a.listed(r) {
		a.config.WriteError(w, r, errCrossOrigin())
		return true
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	h.Set("Access-Control-Allow-Methods", allowedMethods)
	h.Set("Access-Control-Allow-Headers", allowedHeaders)
	h.Set("Access-Control-Max-Age", preflightAge)
	w.WriteHeader(http.StatusNoContent)
	return true
}

// allowOrigin lets the page that made r read the answer. It never allows
// credentials: a page of another origin gets what its token is good for, or
// what is public if it is another hub's, and never what a cookie is good for.
func (a *Auth) allowOrigin(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("Origin")
	if origin == "" || r.Header.Get("Authorization") == "" && !a.listed(r) {
		return
	}
	w.Header().Set("Access-Control-Allow-Origin", origin)
	w.Header().Set("Access-Control-Expose-Headers", exposedHeaders)
}

// secretParameters are names under which a secret might be sent in an address,
// where histories and the logs of everything on the way would keep it.
var secretParameters = []string{
	"token", "access_token", "id_token", "auth", "authorization", "bearer", "jwt",
	"ticket", "session", "device", "secret", "password", "api_key", "apikey",
}

// CheckQuery returns an *event.Error with code Invalid if r has a secret in its
// address. The error does not repeat it.
func CheckQuery(r *http.Request) error {
	if r.URL.RawQuery == "" {
		return nil
	}
	for name := range r.URL.Query() {
		if slices.Contains(secretParameters, strings.ToLower(name)) {
			return event.Errorf(event.Invalid, "a secret never belongs in an address, where logs and histories keep it; send it in the Authorization header, and ask for a new one, for this one is out").At(strings.ToLower(name))
		}
	}
	return nil
}
