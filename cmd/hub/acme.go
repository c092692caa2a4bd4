package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"path/filepath"

	"everything.local/transport/cert/acme"
)

// acmeConfig is how to get a certificate for a public name. Secrets are in a
// file, since command lines and environments are seen by others.
type acmeConfig struct {
	DNS         string   `name:"dns" help:"Get a certificate for --acme-name by ACME, proved by records put into DNS through: rfc2136 or cloudflare. Agrees to the terms of the ACME server." enum:"rfc2136,cloudflare," default:"" env:"HUB_ACME_DNS"`
	Name        []string `name:"name" help:"Public names of this hub, like pi.cafe.example; the first label may be a star." env:"HUB_ACME_NAME"`
	Email       string   `name:"email" help:"What the ACME server may write to." env:"HUB_ACME_EMAIL"`
	Credentials string   `name:"credentials" help:"File with what DNS asks for: a key as tsig-keygen prints it (rfc2136), or an API token (cloudflare)." type:"path" placeholder:"FILE" env:"HUB_ACME_CREDENTIALS"`
	Server      string   `name:"server" help:"DNS server that takes updates, for rfc2136." placeholder:"HOST:PORT" env:"HUB_ACME_SERVER"`
	Resolver    []string `name:"resolver" help:"DNS servers to ask whether a record is there (default: the machine's)." placeholder:"HOST:PORT" env:"HUB_ACME_RESOLVER"`
	CA          string   `name:"ca" help:"URL of the ACME directory (default: Let's Encrypt)." placeholder:"URL" env:"HUB_ACME_CA"`
	CARoot      string   `name:"ca-root" help:"Authority, in PEM, of a private ACME server's own certificate." type:"path" placeholder:"FILE" env:"HUB_ACME_CA_ROOT"`
}

// given reports whether anything but the provider is set.
func (a *acmeConfig) given() bool {
	return len(a.Name)+len(a.Resolver) > 0 || a.Email+a.Credentials+a.Server+a.CA+a.CARoot != ""
}

// openACME returns the manager of public certificates, or nil without
// --acme-dns.
func (c *config) openACME(log *slog.Logger) (*acme.Manager, error) {
	a := c.ACME
	if a.DNS == "" {
		return nil, nil
	}
	m, err := acme.Open(acme.Config{
		Dir: filepath.Join(c.Data, "acme"), Names: a.Name, Email: a.Email, Directory: a.CA, RootFile: a.CARoot,
		DNS: a.DNS, Server: a.Server, CredentialsFile: a.Credentials, Resolvers: a.Resolver, Logger: log,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: --acme-…: %w", errConfig, err)
	}
	return m, nil
}

// issued is what there is of public certificates.
func (a *app) issued() []*tls.Certificate {
	if a.acme == nil {
		return nil
	}
	return a.acme.Certificates()
}

// runACME gets and renews public certificates until ctx ends.
func (a *app) runACME(ctx context.Context) error {
	if a.acme == nil {
		return nil
	}
	return a.acme.Run(ctx)
}

// advertise reports whether clients that asked for a name are told of HTTP/3.
func (a *app) advertise(serverName string) bool {
	switch a.config.AltSvc {
	case "on":
		return true
	case "off":
		return false
	}
	return a.cert.Public(serverName)
}
