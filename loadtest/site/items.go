package site

import (
	"context"
	"net/http"
)

// Price is an amount of a currency.
type Price struct {
	Amount   int    `json:"amount"`
	Currency string `json:"currency"`
}

// Item is an item on the menu, as a command has it.
type Item struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Category    string `json:"category"`
	Position    int    `json:"position"`
	Price       Price  `json:"price"`
	Remaining   *int   `json:"remaining,omitempty"`
}

// PutItem puts an item on the menu; it needs an admin.
func (s *Site) PutItem(ctx context.Context, id string, i Item) error {
	_, err := s.call(ctx, http.MethodPut, "/v1/menu/"+id, i, nil)
	return err
}

// RetireItem takes an item off the menu; it needs an admin.
func (s *Site) RetireItem(ctx context.Context, id string) error {
	_, err := s.call(ctx, http.MethodDelete, "/v1/menu/"+id, nil, nil)
	return err
}

// SetRemaining says how many of an item are left.
func (s *Site) SetRemaining(ctx context.Context, id string, left int) error {
	_, err := s.call(ctx, http.MethodPost, "/v1/menu/"+id+"/availability", struct {
		Available bool `json:"available"`
		Remaining int  `json:"remaining"`
	}{true, left}, nil)
	return err
}

// MenuItem is an item on the menu as it is shown, as far as orders need it.
type MenuItem struct {
	ID        string
	Available bool
	Remaining *int
	Price     Price
}

// Menu is what can be ordered.
func (s *Site) Menu(ctx context.Context) ([]MenuItem, error) {
	var menu struct{ Items []MenuItem }
	_, err := s.call(ctx, http.MethodGet, "/v1/menu", nil, &menu)
	return menu.Items, err
}
