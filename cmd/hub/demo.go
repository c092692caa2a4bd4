package main

import (
	"context"

	"everything.local/auth"
	"everything.local/cmd/hub/demo"
)

// demo lives through simulated mornings against the hub's own address, over
// TLS like anybody.
func (a *app) demo(ctx context.Context) error {
	client := a.config.selfClient()
	defer client.CloseIdleConnections()
	return demo.Run(ctx, demo.Config{
		URL: a.url(), Client: client, Logger: a.log,
		Token: func(role, subject string) (string, error) {
			return a.keys.Sign(auth.Claims{Role: auth.Role(role), Subject: subject})
		},
	})
}
