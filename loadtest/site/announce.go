package site

import (
	"context"
	"net/http"
)

// Announce puts a text on everybody's screen and returns its id.
func (s *Site) Announce(ctx context.Context, text string) (string, error) {
	var a struct{ ID string }
	_, err := s.call(ctx, http.MethodPost, "/v1/announcements", struct {
		Text string `json:"text"`
	}{text}, &a)
	return a.ID, err
}

// Withdraw takes an announcement back.
func (s *Site) Withdraw(ctx context.Context, id string) error {
	_, err := s.call(ctx, http.MethodDelete, "/v1/announcements/"+id, nil, nil)
	return err
}
