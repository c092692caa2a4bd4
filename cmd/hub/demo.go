package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"

	"everything.local/auth"
	"everything.local/cmd/hub/demo"
)

// demo lives through simulated mornings against the hub's own address, over
// TLS like anybody.
func (a *app) demo(ctx context.Context) error {
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(a.cert.CAPEM())
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS13},
		ForceAttemptHTTP2: true,
	}
	defer transport.CloseIdleConnections()
	return demo.Run(ctx, demo.Config{
		URL: a.url(), Client: &http.Client{Transport: transport}, Logger: a.log,
		Token: func(role, subject string) (string, error) {
			return a.keys.Sign(auth.Claims{Role: auth.Role(role), Subject: subject})
		},
	})
}
