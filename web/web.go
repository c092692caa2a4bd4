// Package web serves the pages: the landing page, the kitchen TV, the public
// board, the order page and the barista's tablet.
//
// The pages are templates with a first state rendered by the hub, one style
// sheet and one script each. Scripts and sheets are built by build.sh into
// dist, which is embedded; they talk to the hub through /v1 only, so this
// package knows nothing of orders beyond the few words it renders.
package web

import (
	"embed"
	"io/fs"
	"net/http"
	"strconv"
)

//go:embed all:dist templates static
var files embed.FS

// Config says what the pages show. The functions are called for each page that
// needs them, from any goroutine; nil ones mean "nothing to show".
type Config struct {
	// Site is the name over the pages. Default "Everything".
	Site string
	// Mode is "live", "demo" or "test"; what is not live says so on every page.
	Mode string
	// Board returns the open orders by number.
	Board func() []BoardLine
	// Announcements returns the texts in force.
	Announcements func() []string
	// Menu returns what is on sale, in the order of the menu.
	Menu func() []MenuItem
	// CA is the certificate of the hub's own authority in PEM, offered at
	// /ca.pem; nil when the hub has a certificate that devices trust already.
	CA []byte
	// Peers are the origins of the site's other hubs, which pages may follow
	// when this one drains.
	Peers []string
}

// BoardLine is an open order as everybody may see it.
type BoardLine struct {
	Number int32
	// Name and Drink may be empty.
	Name, Drink string
	// Ready says that it waits at the counter.
	Ready bool
}

// MenuItem is an item of the menu as the pages show it before their script
// runs.
type MenuItem struct {
	ID, Name, Description, Category string
	// Amount is the price in minor units of Currency, an ISO 4217 code.
	Amount   int32
	Currency string
	// Available is false when it is sold out.
	Available bool
}

// Price is the item's price for people.
func (m MenuItem) Price() string {
	sign, a := "", int64(m.Amount)
	if a < 0 {
		sign, a = "−", -a
	}
	if m.Currency == "JPY" || m.Currency == "KRW" {
		return sign + strconv.FormatInt(a, 10) + " " + m.Currency
	}
	units, cents := strconv.FormatInt(a/100, 10), strconv.FormatInt(100+a%100, 10)[1:]
	symbol := map[string]string{"EUR": "€", "GBP": "£", "USD": "$"}[m.Currency]
	if symbol == "" {
		return sign + units + "." + cents + " " + m.Currency
	}
	return sign + symbol + units + "." + cents
}

// New returns the handler of all pages and their assets. It answers 404 for
// everything else, so it can be mounted at "/" beside the API.
func New(c Config) http.Handler { return c.handler(files) }

// BoardOnly returns the handler for the plain-HTTP listener: the board, its
// assets and nothing else. Its feed is mounted beside it.
func BoardOnly(c Config) http.Handler { return c.boardOnly(files) }

func (c Config) handler(files fs.FS) http.Handler {
	s := newSite(c, files)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page("home"))
	for _, name := range []string{"display", "order", "barista"} {
		mux.HandleFunc("GET /"+name, s.page(name))
	}
	s.common(mux)
	if len(c.CA) > 0 {
		mux.HandleFunc("GET /ca.pem", s.ca)
	}
	return mux
}

func (c Config) boardOnly(files fs.FS) http.Handler {
	s := newSite(c, files)
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", http.RedirectHandler("/board", http.StatusSeeOther))
	s.onlyAssets("board.js", "board.css")
	s.common(mux)
	return mux
}

// common registers what both listeners serve.
func (s *site) common(mux *http.ServeMux) {
	mux.HandleFunc("GET /board", s.page("board"))
	mux.HandleFunc("GET /assets/{file}", s.asset)
	mux.HandleFunc("GET /favicon.svg", s.file)
	mux.HandleFunc("GET /guard.js", s.file)
	mux.HandleFunc("GET /build", s.buildID)
	mux.HandleFunc("GET /", s.notFound)
}

// site is what New and BoardOnly serve from.
type site struct {
	Config

	assets assets
	pages  pages
	static fs.FS
}

func newSite(c Config, files fs.FS) *site {
	if c.Site == "" {
		c.Site = "Everything"
	}
	return &site{
		Config: c,
		assets: loadAssets(files),
		pages:  parsePages(files),
		static: files,
	}
}

func (s *site) ca(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-x509-ca-cert")
	w.Header().Set("Content-Disposition", `attachment; filename="everything-ca.pem"`)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(s.CA)
}

// file serves what needs no building, under its own name.
func (s *site) file(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "max-age=3600")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeFileFS(w, r, s.static, "static"+r.URL.Path)
}

// buildID is how a page that has been open for weeks learns of a new build.
func (s *site) buildID(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(s.assets.build))
}
