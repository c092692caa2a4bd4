package web

import (
	"bytes"
	"html/template"
	"io/fs"
	"net/http"
	"time"
)

// pages are the parsed templates by page.
type pages map[string]*template.Template

// parsePages parses each page together with the layout. The templates are part
// of the binary, so one that does not parse is a defect: it panics.
func parsePages(files fs.FS) pages {
	ps := pages{}
	for _, name := range []string{"home", "display", "board", "order", "barista", "unbuilt", "missing"} {
		ps[name] = template.Must(template.ParseFS(files, "templates/layout.html", "templates/"+name+".html"))
	}
	return ps
}

// view is what templates see.
type view struct {
	Site, Mode string
	Page       string
	// Script and Style are addresses; Script is empty when the page has none.
	Script, Style string
	Build         string
	// Theme is "light", "dark" or empty for what the device prefers.
	Theme string
	// Distance is how far a TV hangs, in metres; empty for 3.
	Distance string
	// Still asks for no motion, for engines that cannot say so themselves.
	Still bool
	// Plain is the board without scripts.
	Plain bool
	HasCA bool

	Making, Ready list
	Announcements []string
	Menu          []menuGroup
	// At is when this was rendered, in UTC and RFC 3339.
	At time.Time

	policy string
}

// list is a column of the board without scripts, which cannot measure: its
// size follows from how many there are.
type list struct {
	Lines []BoardLine
	// Fit is the size of type, from 0, the largest.
	Fit int
	// More is how many are not shown.
	More int
}

// fitted returns the lines at the largest size that has room for them. fits is
// how many go into each size.
func fitted(lines []BoardLine, fits ...int) list {
	l := list{Lines: lines}
	for l.Fit < len(fits)-1 && len(lines) > fits[l.Fit] {
		l.Fit++
	}
	if most := fits[l.Fit]; len(lines) > most {
		l.Lines, l.More = lines[:most], len(lines)-most
	}
	return l
}

// menuGroup is a category of the menu with its items.
type menuGroup struct {
	Name  string
	Items []MenuItem
}

// page serves the named page.
func (s *site) page(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := s.view(name, r)
		if !s.assets.has(name) {
			s.render(w, "unbuilt", http.StatusServiceUnavailable, v)
			return
		}
		switch name {
		case "board":
			s.fillBoard(&v)
		case "order":
			s.fillMenu(&v)
		}
		s.render(w, name, http.StatusOK, v)
	}
}

// view takes from a request only words from fixed lists.
func (s *site) view(name string, r *http.Request) view {
	q := r.URL.Query()
	v := view{
		Site: s.Site, Mode: s.Mode, Page: name,
		Script: s.assets.urls[name+".js"], Style: s.assets.urls[name+".css"],
		Build:    s.assets.build,
		Theme:    oneOf(q.Get("theme"), "light", "dark"),
		Distance: oneOf(q.Get("distance"), "2", "3", "4.5", "6"),
		Still:    q.Get("motion") == "off",
		Plain:    name == "board" && q.Get("plain") == "1",
		HasCA:    len(s.CA) > 0,
		At:       time.Now().UTC(),
		policy:   policy(ownSockets(r), s.Peers),
	}
	if v.Theme == "" && (name == "display" || name == "board") {
		v.Theme = "dark" // a bright TV dazzles; old engines know no preference
	}
	return v
}

func oneOf(s string, words ...string) string {
	for _, w := range words {
		if s == w {
			return w
		}
	}
	return ""
}

func (s *site) fillBoard(v *view) {
	var making, ready []BoardLine
	if s.Board != nil {
		for _, l := range s.Board() {
			if l.Ready {
				ready = append(ready, l)
			} else {
				making = append(making, l)
			}
		}
	}
	v.Making, v.Ready = fitted(making, 4, 5, 7, 16), fitted(ready, 4, 8, 18, 32)
	if s.Announcements != nil {
		v.Announcements = s.Announcements()
	}
}

func (s *site) fillMenu(v *view) {
	if s.Menu == nil {
		return
	}
	at := map[string]int{}
	for _, m := range s.Menu() {
		i, ok := at[m.Category]
		if !ok {
			i = len(v.Menu)
			at[m.Category] = i
			v.Menu = append(v.Menu, menuGroup{Name: m.Category})
		}
		v.Menu[i].Items = append(v.Menu[i].Items, m)
	}
}

func (s *site) notFound(w http.ResponseWriter, r *http.Request) {
	v := s.view("home", r)
	v.Page = "missing"
	s.render(w, "missing", http.StatusNotFound, v)
}

// render writes a page whole or not at all.
func (s *site) render(w http.ResponseWriter, name string, status int, v view) {
	var b bytes.Buffer
	if err := s.pages[name].ExecuteTemplate(&b, "layout", v); err != nil {
		http.Error(w, "This page cannot be shown; the hub's log says why.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", v.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}
