package main

import (
	"context"
	"fmt"

	"everything.local/cafe"
	"everything.local/event"
)

// epochLength keeps cursors short: 8 base32 digits are 40 bits, and an epoch
// only has to differ from the few others of the same site.
const epochLength = 8

// openSite makes sure that the log begins with its site and a menu. Both
// commands have ids that follow from the site, so hubs that start together
// write them once, and a start that was cut short is taken up again.
func (a *app) openSite(ctx context.Context) error {
	var epoch string
	a.hub.Read(func() { epoch = a.state.Epoch() })
	if epoch == "" {
		open := cafe.OpenSite{Epoch: event.NewID()[:epochLength], Site: a.config.Site, Mode: a.config.Mode}
		if _, err := a.api.Do(ctx, open, byHub, commandOf("open site", a.config.Mode)); err != nil {
			return fmt.Errorf("open the site: %w", err)
		}
		a.log.Info("opened a new site", "site", a.config.Site, "mode", a.config.Mode)
	}
	var imported bool
	a.hub.Read(func() { imported = len(a.state.Menu()) > 0 })
	if imported {
		return nil
	}
	if _, err := a.api.Do(ctx, cafe.ImportMenu{Items: cafe.DefaultMenu()}, byHub, commandOf("first menu", a.config.Mode)); err != nil {
		return fmt.Errorf("put up the first menu: %w", err)
	}
	return nil
}

// byHub is who gives the commands of clockwork and of the program itself.
var byHub = cafe.Caller{Role: "hub", ID: "hub"}

// commandOf is the identity of a command of the hub's own, which follows from
// what it is for.
func commandOf(what, of string) event.Command {
	return event.Command{ID: event.CommandID("hub", what, of, ""), Digest: event.Digest([]byte(what + of))}
}
