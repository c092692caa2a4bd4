package acme

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/libdns/cloudflare"
	"github.com/libdns/libdns"
	"github.com/libdns/rfc2136"

	"everything.local/transport/cert"
)

// Providers are the names that Config.DNS may have.
var Providers = []string{"rfc2136", "cloudflare"}

type provider = certmagic.DNSProvider

func newProvider(c Config) (provider, error) {
	secret, err := readCredentials(c.CredentialsFile)
	if err != nil {
		return nil, err
	}
	switch c.DNS {
	case "rfc2136":
		if _, _, err := net.SplitHostPort(c.Server); err != nil {
			return nil, fmt.Errorf("%w: the DNS server %q is not host:port, like ns.cafe.example:53", cert.ErrConfig, c.Server)
		}
		return parseTSIG(c.Server, secret)
	case "cloudflare":
		token := strings.TrimSpace(string(secret))
		if token == "" || strings.ContainsAny(token, " \t\r\n") {
			return nil, fmt.Errorf("%w: the credentials file has to hold the API token and nothing else", cert.ErrConfig)
		}
		return &cloudflare.Provider{APIToken: token}, nil
	}
	return nil, fmt.Errorf("%w: DNS provider %q is not one of %s", cert.ErrConfig, c.DNS, strings.Join(Providers, ", "))
}

// The parts of a key as BIND's tsig-keygen writes it and its servers read it.
var (
	tsigKey       = regexp.MustCompile(`(?s)^\s*key\s+"?([^"\s{]+)"?\s*\{(.*)\}\s*;?\s*$`)
	tsigAlgorithm = regexp.MustCompile(`(?:^|[\s;])algorithm\s+"?(hmac-sha(?:256|384|512))"?\s*;`)
	tsigSecret    = regexp.MustCompile(`(?:^|[\s;])secret\s+"?([A-Za-z0-9+/=]+)"?\s*;`)
)

// parseTSIG reads a key for updates (RFC 8945).
func parseTSIG(server string, file []byte) (provider, error) {
	bad := fmt.Errorf("%w: the credentials file has to hold one key as tsig-keygen prints it, with hmac-sha256, hmac-sha384 or hmac-sha512", cert.ErrConfig)
	key := tsigKey.FindSubmatch(file)
	if key == nil {
		return nil, bad
	}
	algorithm, secret := tsigAlgorithm.FindSubmatch(key[2]), tsigSecret.FindSubmatch(key[2])
	if algorithm == nil || secret == nil {
		return nil, bad
	}
	if b, err := base64.StdEncoding.DecodeString(string(secret[1])); err != nil || len(b) < 16 {
		return nil, bad
	}
	return &rfc2136.Provider{
		KeyName: string(key[1]), KeyAlg: string(algorithm[1]), Key: string(secret[1]), Server: server,
	}, nil
}

// readCredentials reads a small file that the world must not be able to read.
// A group may: where a service manager hands over a secret by an access list,
// the list's mask shows as the group's bits.
func readCredentials(path string) ([]byte, error) {
	if path == "" {
		return nil, fmt.Errorf("%w: ACME needs a file with the credentials for DNS", cert.ErrConfig)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: read the credentials for DNS: %w", cert.ErrConfig, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("%w: read the credentials for DNS: %w", cert.ErrConfig, err)
	}
	if perm := info.Mode().Perm(); perm&0o007 != 0 {
		return nil, fmt.Errorf("%w: %s has mode %04o; run chmod o= on it, and if others use this machine have new credentials made", cert.ErrExposed, path, perm)
	}
	const most = 16 << 10 // a key or a token has hundreds of bytes
	b, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil, fmt.Errorf("%w: read the credentials for DNS: %w", cert.ErrConfig, err)
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, fmt.Errorf("%w: %s is empty", cert.ErrConfig, path)
	}
	return b, nil
}

// Bounds of a call to a DNS provider. certmagic removes records also when it is
// told to stop, and would wait for minutes.
const (
	recordsWithin = 30 * time.Second
	// leaveWithin: a record that stays does no harm, a hub that does not stop
	// does.
	leaveWithin = 2 * time.Second
)

// bounded is a provider whose calls end in time.
type bounded struct {
	provider
	stopping <-chan struct{}
}

func (b bounded) within(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		late, left := time.NewTimer(recordsWithin), b.stopping
		defer late.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-left:
				late.Reset(leaveWithin)
				left = nil
			case <-late.C:
				cancel(errors.New("the DNS provider does not answer in time"))
			}
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-ended
	}
}

func (b bounded) AppendRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	ctx, cancel := b.within(ctx)
	defer cancel()
	return b.provider.AppendRecords(ctx, zone, records)
}

func (b bounded) DeleteRecords(ctx context.Context, zone string, records []libdns.Record) ([]libdns.Record, error) {
	ctx, cancel := b.within(ctx)
	defer cancel()
	return b.provider.DeleteRecords(ctx, zone, records)
}
