package site

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
)

// Order is an order as it is answered.
type Order struct {
	ID       string
	Number   int
	Status   string
	Customer string
}

// Place orders one of each item.
func (s *Site) Place(ctx context.Context, name string, items ...string) (Order, error) {
	type line struct {
		Item     string `json:"item"`
		Quantity int    `json:"quantity"`
	}
	var lines []line
	for _, item := range items {
		lines = append(lines, line{item, 1})
	}
	var a struct{ Order Order }
	_, err := s.call(ctx, http.MethodPost, "/v1/orders", struct {
		Name  string `json:"name"`
		Items []line `json:"items"`
	}{name, lines}, &a)
	return a.Order, err
}

// Advance takes one step with an order: accept, start, ready, pickup, cancel.
func (s *Site) Advance(ctx context.Context, id, step string) error {
	_, err := s.call(ctx, http.MethodPost, "/v1/orders/"+id+"/"+step, struct{}{}, nil)
	return err
}

// Guest is somebody who gave a name.
type Guest struct {
	Customer, Token string
}

// Guest signs a guest in, from an address of this machine or, for the zero
// Addr, any: a hub lets each address sign in so many, and 2 a second.
func (s *Site) Guest(ctx context.Context, name string, from netip.Addr) (Guest, error) {
	c := &Site{base: s.base, tls: s.tls, http: client(s.tls, from)}
	defer c.Close()
	var session struct{ Customer string }
	answer, err := c.call(ctx, http.MethodPost, "/v1/session", struct {
		Name string `json:"name"`
	}{name}, &session)
	if err != nil {
		return Guest{}, err
	}
	// The cookie of a session is the token that a client without cookies sends.
	for _, k := range (&http.Response{Header: answer}).Cookies() {
		if k.Value != "" && session.Customer != "" {
			return Guest{session.Customer, k.Value}, nil
		}
	}
	return Guest{}, errors.New("the hub signed a guest in without a cookie or a customer")
}
