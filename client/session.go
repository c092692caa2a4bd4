package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// Session is what a hub knows of the caller.
type Session struct {
	// Role is customer, barista, admin or display.
	Role string `json:"role"`
	ID   string `json:"id"`
	// Customer is whose orders are the caller's own, as in orders/<customer>.
	Customer string `json:"customer"`
	Name     string `json:"name"`
	// Expires is in event.TimeLayout.
	Expires string `json:"expires"`
}

// SignIn makes the caller a guest of this name, for as long as the Client
// lives. It is for callers without a token, where guests are welcome; else the
// *Error has code Forbidden.
func (c *Client) SignIn(ctx context.Context, name string) (Session, error) {
	var s Session
	err := c.persist(ctx, request{method: http.MethodPost, path: "/v1/session", in: struct {
		Name string `json:"name"`
	}{name}, out: &s})
	if err == nil {
		err = c.shareCookies()
	}
	return s, err
}

// shareCookies makes the session one with every hub: they sign with one key.
func (c *Client) shareCookies() error {
	from, err := url.Parse(c.at())
	if err != nil {
		return err
	}
	for _, h := range c.hubs {
		to, err := url.Parse(h)
		if err != nil {
			return err
		}
		c.jar.SetCookies(to, c.jar.Cookies(from))
	}
	return nil
}

// firstLine is how a feed is asked for on the wires that have lines, with a
// ticket for a caller who has a session instead of a token.
func (c *Client) firstLine(ctx context.Context, ask subscription) ([]byte, error) {
	home, err := url.Parse(ask.base)
	if err != nil {
		return nil, err
	}
	if ask.Token == "" && len(c.jar.Cookies(home)) > 0 {
		var t struct {
			Ticket string `json:"ticket"`
		}
		if err := c.call(ctx, request{method: http.MethodPost, path: "/v1/feed/ticket", out: &t, base: ask.base}); err != nil {
			return nil, err
		}
		ask.Token = t.Ticket
	}
	return json.Marshal(ask)
}
