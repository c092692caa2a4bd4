package main

import (
	"net"
	"net/http"
	"time"

	"everything.local/api"
	"everything.local/auth"
	"everything.local/web"
)

// handler is everything the hub serves over TLS, by path.
func (a *app) handler() http.Handler {
	mux := http.NewServeMux()
	a.api.Register(mux)
	a.auth.Register(mux)
	mux.Handle("/v1/feed", a.feed)
	mux.HandleFunc("GET /healthz", a.health.live)
	mux.HandleFunc("GET /readyz", a.health.readyFor)
	mux.Handle("GET /metrics", a.metricsOnly(a.metrics))
	mux.Handle("/", web.New(a.pages()))
	return secured(api.RefuseEarlyData(a.auth.Protect(mux)))
}

// boardHandler is what the plain-HTTP listener serves: the public board, and
// its feed, which on that listener has no credentials to lose.
func (a *app) boardHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/v1/feed", anonymous(a.feed))
	mux.Handle("/", web.BoardOnly(a.pages()))
	return secured(mux)
}

// anonymous drops credentials: a token sent over plain HTTP is not accepted as
// one, so that nobody gets used to it. What is left to see is public.
func anonymous(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.Header.Del("Authorization")
		r.Header.Del("Cookie")
		next.ServeHTTP(w, r)
	})
}

// metricsOnly lets scrapers on the machine itself through, and admins.
func (a *app) metricsOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !fromLoopback(r) {
			who, err := a.auth.Identify(r)
			if err == nil {
				err = who.May(auth.ReadMetrics)
			}
			if err != nil {
				api.WriteError(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// secured sets what every answer carries. HSTS is left out on purpose: with a
// private authority it would lock people out of a hub they reinstalled.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

// fromLoopback reports whether r came from this machine, and not through a
// proxy on it, which would say for whom.
func fromLoopback(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// pairings tells auth which codes staff have approved, as the log has it.
type pairings struct{ *app }

// Approved implements auth.Pairings.
func (p pairings) Approved(code string) (screen string, ok bool) {
	p.hub.Read(func() { screen, ok = p.state.Screen(code, time.Now()) })
	return screen, ok
}
