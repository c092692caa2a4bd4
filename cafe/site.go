package cafe

import (
	"slices"

	"everything.local/event"
)

// defaultCurrency is what an empty menu is priced in.
const defaultCurrency = "EUR"

// site is whose log this is.
type site struct {
	Epoch string `json:"epoch"`
	Site  string `json:"site"`
	Mode  string `json:"mode"`
}

type siteOpenedV1 struct {
	Epoch string `json:"epoch"`
	Site  string `json:"site"`
	Mode  string `json:"mode"`
}

func (d decision) openSite(c OpenSite) ([]event.Write, error) {
	name, err := someText("site", c.Site, maxName)
	if err != nil {
		return nil, err
	}
	was := d.s.site
	switch {
	case !event.ValidID(c.Epoch):
		return nil, event.Errorf(event.Invalid, "%s is not an epoch; take a new id", event.Quote(c.Epoch)).At("epoch")
	case !slices.Contains([]string{"live", "demo", "test"}, c.Mode):
		return nil, event.Errorf(event.Invalid, "%s is not a mode; there are live, demo and test", event.Quote(c.Mode)).At("mode")
	case was.Epoch != "" && (was.Site != name || was.Mode != c.Mode):
		return nil, event.Errorf(event.Conflict, "this log is that of the %s site %s; use another directory for another site", was.Mode, event.Quote(was.Site))
	case was.Epoch == c.Epoch:
		return nil, nil
	}
	return d.write(Subject(c, d.m), typeSiteOpened, siteOpenedV1{c.Epoch, name, c.Mode}), nil
}

func (s *State) siteOpened(_ *changes, _ event.Event, data siteOpenedV1) error {
	if !event.ValidID(data.Epoch) {
		return errData
	}
	s.site = site(data)
	return nil
}
