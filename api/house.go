package api

import (
	"context"
	"time"

	"everything.local/auth"
	"everything.local/cafe"
	"everything.local/event"
	pb "everything.local/proto"
)

type hubAnswer struct {
	Site     string   `json:"site"`
	Mode     string   `json:"mode"`
	Epoch    string   `json:"epoch"`
	Peers    []string `json:"peers"`
	Wires    []string `json:"wires"`
	Writable bool     `json:"writable"`
	Version  string   `json:"version"`

	Policy            []WirePolicy      `json:"policy"`
	CertificateHashes []CertificateHash `json:"certificate_hashes"`
}

type announcementsAnswer struct {
	Announcements []cafe.Announcement `json:"announcements"`
	Cursor        string              `json:"cursor"`
}

// announcementAnswer has no announcement while it is not in force.
type announcementAnswer struct {
	Announcement *cafe.Announcement `json:"announcement,omitempty"`
	ID           string             `json:"id"`
	Cursor       string             `json:"cursor"`
}

type screenAnswer struct {
	Screen string `json:"screen"`
	Cursor string `json:"cursor"`
}

func (a *API) getHub(context.Context, *call, *pb.GetHubRequest) (answer, error) {
	var info Info
	if a.cfg.Info != nil {
		info = a.cfg.Info()
	}
	body := hubAnswer{
		Peers: append([]string{}, info.Peers...), Wires: append([]string{}, info.Wires...),
		Writable: info.Writable && a.cfg.Follower.Halted() == nil, Version: info.Version,
		Policy:            append([]WirePolicy{}, info.Policy...),
		CertificateHashes: append([]CertificateHash{}, info.CertificateHashes...),
	}
	at := a.cfg.Follower.Cursor()
	a.cfg.Follower.Read(func() {
		s := a.cfg.State
		body.Site, body.Mode, body.Epoch = s.Site(), s.Mode(), s.Epoch()
	})
	return answer{body: body, cursor: at}, nil
}

func (a *API) listAnnouncements(context.Context, *call, *pb.ListAnnouncementsRequest) (answer, error) {
	at := a.cfg.Follower.Cursor()
	list := []cafe.Announcement{}
	a.cfg.Follower.Read(func() { list = append(list, a.cfg.State.Announcements()...) })
	return answer{body: announcementsAnswer{list, at.String()}, cursor: at}, nil
}

func (a *API) postAnnouncement(ctx context.Context, c *call, req *pb.PostAnnouncementRequest) (answer, error) {
	from, err := instant("from", req.GetFrom())
	if err != nil {
		return answer{}, err
	}
	until, err := instant("until", req.GetUntil())
	if err != nil {
		return answer{}, err
	}
	cmd := cafe.PostAnnouncement{Text: req.GetText(), From: from, Until: until}
	m, err := a.command(ctx, c, auth.Announce, req, cmd)
	if err != nil {
		return answer{}, err
	}
	at := a.cfg.Follower.Cursor()
	body := announcementAnswer{ID: cafe.Subject(cmd, m).ID, Cursor: at.String()}
	a.cfg.Follower.Read(func() {
		for _, posted := range a.cfg.State.Announcements() {
			if posted.ID == body.ID {
				body.Announcement = &posted
			}
		}
	})
	return answer{body: body, cursor: at, created: true}, nil
}

// instant reads an instant that may be left out.
func instant(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, event.Errorf(event.Invalid, "%s is not an instant like 2026-11-22T08:05:00Z", event.Quote(text)).At(field)
	}
	return t.UTC(), nil
}

func (a *API) withdrawAnnouncement(ctx context.Context, c *call, req *pb.WithdrawAnnouncementRequest) (answer, error) {
	cmd := cafe.WithdrawAnnouncement{Announcement: req.GetId()}
	_, err := a.command(ctx, c, auth.Announce, req, cmd)
	return a.done(), err
}

func (a *API) pairScreen(ctx context.Context, c *call, req *pb.PairScreenRequest) (answer, error) {
	if _, err := c.caller(auth.PairScreen); err != nil {
		return answer{}, err
	}
	if code := req.GetCode(); a.cfg.Shown != nil && !a.cfg.Shown(code) {
		return answer{}, event.Errorf(event.NotFound, "no screen shows the code %s; read it off the screen again", event.Quote(code)).At("code")
	}
	cmd := cafe.PairScreen{Code: req.GetCode(), Name: req.GetName()}
	m, err := a.command(ctx, c, auth.PairScreen, req, cmd)
	if err != nil {
		return answer{}, err
	}
	at := a.cfg.Follower.Cursor()
	body := screenAnswer{Screen: cafe.Subject(cmd, m).ID, Cursor: at.String()}
	return answer{body: body, cursor: at, created: true}, nil
}

func (a *API) forgetCustomer(ctx context.Context, c *call, req *pb.ForgetCustomerRequest) (answer, error) {
	who, err := c.caller(auth.ForgetCustomer)
	if err != nil {
		return answer{}, err
	}
	if err := who.MayTo(auth.ForgetCustomer, req.GetId()); err != nil {
		return answer{}, err
	}
	m, err := c.meta(who, req)
	if err != nil {
		return answer{}, err
	}
	if _, err := a.Forget(ctx, req.GetId(), m.By, m.Command); err != nil {
		return answer{}, err
	}
	return a.done(), nil
}

// Forget deletes the key that seals a customer's personal fields, then records
// that it is gone, so that every hub shows "someone" from then on. Like Do it
// may be called again with the same id after any error; once it has succeeded,
// that id deletes no newer key.
func (a *API) Forget(ctx context.Context, customer string, by cafe.Caller, id event.Command) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, commandWithin)
	defer cancel()
	cmd := cafe.ForgetCustomer{Customer: customer}
	seq, writes, err := a.decide(ctx, cmd, by, id)
	if err != nil || len(writes) == 0 {
		return seq, err
	}
	if cmd.Key, err = a.cfg.Log.Forget(ctx, customer, ""); err != nil {
		return 0, unavailable(err)
	}
	return a.Do(ctx, cmd, by, id)
}
