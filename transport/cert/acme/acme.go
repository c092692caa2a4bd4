// Package acme gets certificates for public names from an ACME server (RFC
// 8555), proved by records in DNS (dns-01): a hub that nobody reaches from the
// Internet can have one. Nothing is sent anywhere before Run.
package acme

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"everything.local/transport/cert"
)

// Config says what to get and from whom.
type Config struct {
	// Dir is where accounts, keys and certificates are kept. It is made (mode
	// 0700) by Run.
	Dir string
	// Names are those to get a certificate for, one each. The first label may be
	// a star.
	Names []string
	// Email is what the server may write to. Having one means agreeing to the
	// server's terms.
	Email string
	// Directory is the server's URL, Let's Encrypt's if empty.
	Directory string
	// RootFile has the authority, in PEM, that the server's own certificate is
	// from, if the machine does not know it.
	RootFile string
	// DNS is where the records are put: see Providers.
	DNS string
	// Server is host:port of the DNS server that takes updates, for rfc2136.
	Server string
	// CredentialsFile holds what the provider asks for: for rfc2136 a key as
	// tsig-keygen prints it, for cloudflare an API token for the zone. Others
	// must not be able to read it.
	CredentialsFile string
	// Resolvers (host:port) are asked whether the records are there, instead of
	// the machine's own.
	Resolvers []string
	// Logger is slog.Default() if nil.
	Logger *slog.Logger
}

// LetsEncrypt is the Directory that is used if none is given.
const LetsEncrypt = certmagic.LetsEncryptProductionCA

// Manager gets certificates and renews them. Certificates may be called by any
// number of goroutines, Run once.
type Manager struct {
	config    Config
	log       *slog.Logger
	certmagic *zap.Logger
	roots     *x509.CertPool // nil: the system's
	provider  provider
	storage   storage
	// firstRetry is the pause after a first failure.
	firstRetry time.Duration

	sites []*site // Run's alone, after Open
	all   atomic.Pointer[[]*tls.Certificate]
}

// Open checks the configuration and reads the certificates of before. It makes
// nothing and starts nothing. Errors wrap cert.ErrConfig or cert.ErrExposed,
// and say what to do.
func Open(c Config) (*Manager, error) {
	log := c.Logger
	if log == nil {
		log = slog.Default()
	}
	if c.Directory == "" {
		c.Directory = LetsEncrypt
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	m := &Manager{
		config: c, log: log, certmagic: newZap(log), storage: newStorage(c.Dir), firstRetry: firstRetry,
	}
	var err error
	if m.roots, err = readRoots(c.RootFile); err != nil {
		return nil, err
	}
	if m.provider, err = newProvider(c); err != nil {
		return nil, err
	}
	for _, name := range c.Names {
		s := &site{name: strings.ToLower(name)}
		if err := m.load(s); err != nil {
			log.Warn("the certificate of before cannot be read, another one is asked for", "name", s.name, "error", err)
		}
		m.sites = append(m.sites, s)
	}
	m.publish()
	return m, nil
}

// Certificates are those there are now, as cert.Config.Issued wants them.
func (m *Manager) Certificates() []*tls.Certificate { return *m.all.Load() }

func (m *Manager) publish() {
	var all []*tls.Certificate
	for _, s := range m.sites {
		if s.cert != nil {
			all = append(all, s.cert)
		}
	}
	m.all.Store(&all)
}

func (c *Config) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", cert.ErrConfig, fmt.Sprintf(format, args...))
	}
	if c.Dir == "" || len(c.Names) == 0 {
		return bad("ACME needs a directory and the public name to get a certificate for")
	}
	for i, name := range c.Names {
		if !publicName(name) {
			return bad("%q is no public name that a certificate can be had for, like pi.cafe.example or *.cafe.example", name)
		}
		if slices.Contains(c.Names[:i], name) {
			return bad("%q is given twice", name)
		}
	}
	if _, err := mail.ParseAddress(c.Email); err != nil {
		return bad("%q is no e-mail address; ACME asks for one to write to about the certificate", c.Email)
	}
	if u, err := url.Parse(c.Directory); err != nil || u.Scheme != "https" || u.Host == "" {
		return bad("%q is no https URL of an ACME directory", c.Directory)
	}
	for _, r := range c.Resolvers {
		if _, _, err := net.SplitHostPort(r); err != nil {
			return bad("the resolver %q is not host:port, like 192.0.2.1:53", r)
		}
	}
	return nil
}

// publicName reports whether name is a host name of at least two labels.
func publicName(name string) bool {
	name = strings.TrimPrefix(strings.ToLower(name), "*.")
	return strings.Contains(name, ".") && net.ParseIP(name) == nil && cert.ValidName(name)
}

func readRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: read the authority of the ACME server: %w", cert.ErrConfig, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("%w: %s has no certificate in PEM", cert.ErrConfig, file)
	}
	return roots, nil
}
