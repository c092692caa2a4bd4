package main

import (
	"encoding/json"

	"everything.local/cafe"
	"everything.local/event"
	"everything.local/web"
)

// pages says what the pages show before their scripts take over. It is read
// from the topics, like everything anybody sees.
func (a *app) pages() web.Config {
	c := web.Config{
		Site: a.config.Site, Mode: a.config.Mode,
		Board:         func() []web.BoardLine { return boardLines(a.hub.Entries(event.Board)) },
		Announcements: func() []string { return announcements(a.hub.Entries(event.Announcements)) },
		Menu:          a.menuItems,
	}
	if a.config.Cert == "" {
		c.CA = a.cert.CAPEM()
	}
	return c
}

func boardLines(entries []event.Entry) []web.BoardLine {
	lines := make([]web.BoardLine, 0, len(entries))
	for _, v := range values[cafe.BoardLine](entries) {
		lines = append(lines, web.BoardLine{
			Number: v.Number, Name: v.Name, Drink: v.Drink, Ready: v.Status == cafe.IsReady,
		})
	}
	return lines
}

func announcements(entries []event.Entry) []string {
	var texts []string
	for _, v := range values[cafe.Announcement](entries) {
		texts = append(texts, v.Text)
	}
	return texts
}

func (a *app) menuItems() []web.MenuItem {
	var items []cafe.Item
	a.hub.Read(func() { items = a.state.Menu() })
	shown := make([]web.MenuItem, len(items))
	for i, m := range items {
		shown[i] = web.MenuItem{
			ID: m.ID, Name: m.Name, Description: m.Description, Category: m.Category,
			Amount: m.Price.Amount, Currency: m.Price.Currency, Available: m.Available,
		}
	}
	return shown
}

// values decodes what the fold encoded; an entry that does not decode is left
// out, the scripts will say so louder.
func values[V any](entries []event.Entry) []V {
	var vs []V
	for _, e := range entries {
		var v V
		if !e.Gone() && json.Unmarshal(e.Value, &v) == nil {
			vs = append(vs, v)
		}
	}
	return vs
}
