package client

import (
	"context"
	"net/http"
)

// Hub is what a hub says of itself.
type Hub struct {
	// Site is the site's name; Mode is live, demo or test.
	Site string `json:"site"`
	Mode string `json:"mode"`
	// Peers are the addresses of the site's other hubs.
	Peers []string `json:"peers"`
	// Wires are the names of the wires that it serves.
	Wires []string `json:"wires"`
	// Writable says whether it takes commands now.
	Writable bool `json:"writable"`
	// Version is the program's.
	Version string `json:"version"`
}

// Hub asks the hub that answers first who it is.
func (c *Client) Hub(ctx context.Context) (Hub, error) {
	var h Hub
	err := c.persist(ctx, request{method: http.MethodGet, path: "/v1/hub", out: &h})
	return h, err
}
