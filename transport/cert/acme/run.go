package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/caddyserver/certmagic"
)

const (
	// lookInterval is how often Run looks at what it has, by the wall clock: that
	// of a machine without a battery jumps, and a timer would not see it.
	lookInterval = 5 * time.Second
	// firstRetry doubles with each failure to mostRetry. Let's Encrypt counts
	// five failures of a name an hour.
	firstRetry = 2 * time.Minute
	mostRetry  = 6 * time.Hour
	// attemptWithin bounds one attempt, the spreading of the record included.
	attemptWithin = 10 * time.Minute
	// spreadWithin is how long a record may take to be seen.
	spreadWithin = 5 * time.Minute
	// adviceInterval is how often the server is asked when to renew (RFC 9773).
	adviceInterval = 6 * time.Hour
	adviceWithin   = 30 * time.Second
	// rest is how old a certificate has to be before advice to renew it is
	// followed, or a tenth of its life: a server that is mistaken shall not be
	// asked again and again.
	rest = 25 * time.Hour
)

// site is a name and its certificate.
type site struct {
	name string
	cert *tls.Certificate // nil as long as there is none
	// renew is when it is to be renewed, and advice when to ask that again.
	renew, advice time.Time
	// retry is when to try again, after so many failures.
	retry    time.Time
	failures int
}

// Run gets the certificates that are missing and renews them until ctx ends.
// What fails is logged and tried again; Run returns nil. One goroutine of
// certmagic's, the pacemaker of its requests to a server, stays with the
// process: there is no handle on it.
func (m *Manager) Run(ctx context.Context) error {
	for _, s := range m.sites {
		if s.cert == nil {
			m.log.InfoContext(ctx, "no certificate for the public name yet, the hub's own authority serves until there is", "name", s.name, "from", m.config.Directory)
		}
	}
	c, issuer, stop := m.client(ctx)
	defer stop()
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for {
		for _, s := range m.sites {
			m.look(ctx, c, issuer, s)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// client makes certmagic's part. Its cache, which it insists on, holds nothing,
// and so the cache's own renewals have nothing to do.
func (m *Manager) client(ctx context.Context) (*certmagic.Config, *certmagic.ACMEIssuer, func()) {
	var c *certmagic.Config
	cache := certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return c, nil },
		Logger:           m.certmagic,
	})
	c = certmagic.New(cache, certmagic.Config{
		Storage: m.storage, Logger: m.certmagic, OCSP: certmagic.OCSPConfig{DisableStapling: true},
	})
	issuer := m.issuer(c, ctx.Done())
	c.Issuers = []certmagic.Issuer{issuer}
	return c, issuer, cache.Stop
}

// issuer proves names by DNS alone: no listener is ever opened for it.
func (m *Manager) issuer(c *certmagic.Config, stopping <-chan struct{}) *certmagic.ACMEIssuer {
	return certmagic.NewACMEIssuer(c, certmagic.ACMEIssuer{
		CA: m.config.Directory, TestCA: m.config.Directory, Email: m.config.Email, Agreed: true,
		TrustedRoots: m.roots, Logger: m.certmagic,
		DisableHTTPChallenge: true, DisableTLSALPNChallenge: true,
		DNS01Solver: &certmagic.DNS01Solver{DNSManager: certmagic.DNSManager{
			DNSProvider: bounded{m.provider, stopping}, Resolvers: m.config.Resolvers,
			PropagationTimeout: spreadWithin, Logger: m.certmagic,
		}},
	})
}

// look does what is due for a name.
func (m *Manager) look(ctx context.Context, c *certmagic.Config, issuer *certmagic.ACMEIssuer, s *site) {
	now := time.Now()
	if ctx.Err() != nil || now.Before(s.retry) {
		return
	}
	if s.cert != nil {
		m.advise(ctx, issuer, s, now)
		if now.Before(s.renew) {
			return
		}
	}
	err := m.get(ctx, c, s)
	switch {
	case err == nil:
		s.failures, s.retry = 0, time.Time{}
		m.publish()
		m.log.InfoContext(ctx, "certificate for the public name is there", "name", s.name, "expires", s.cert.Leaf.NotAfter)
	case ctx.Err() == nil:
		pause := min(m.firstRetry<<min(s.failures, 16), mostRetry)
		s.failures++
		s.retry = time.Now().Add(pause)
		m.log.WarnContext(ctx, "no certificate for the public name", "name", s.name, "error", err, "next_try_in", pause, "has_one", s.cert != nil)
	}
}

// get obtains or renews a certificate and loads it.
func (m *Manager) get(ctx context.Context, c *certmagic.Config, s *site) error {
	ctx, cancel := context.WithTimeout(ctx, attemptWithin)
	defer cancel()
	// "Sync" asks nothing of a person as long as there is an address and consent.
	before := s.cert
	if before != nil {
		if err := c.RenewCertSync(ctx, s.name, true); err != nil {
			return err
		}
	} else {
		if m.load(s) != nil { // damaged, and in the way of another one
			if err := m.storage.Delete(ctx, certmagic.StorageKeys.CertsSitePrefix(m.issuerKey(), s.name)); err != nil {
				return fmt.Errorf("acme: remove what is damaged: %w", err)
			}
		}
		if err := c.ObtainCertSync(ctx, s.name); err != nil {
			return err
		}
	}
	if err := m.load(s); err != nil {
		return err
	}
	if s.cert == nil || s.cert == before {
		return errors.New("acme: what was issued is not in the storage")
	}
	return nil
}

// issuerKey is the server's part of the names in the storage.
func (m *Manager) issuerKey() string {
	return m.issuer(&certmagic.Config{Storage: m.storage, Logger: m.certmagic}, nil).IssuerKey()
}

// load reads the certificate of s, if it is there.
func (m *Manager) load(s *site) error {
	issuer := m.issuerKey()
	certPEM, err := m.storage.read(certmagic.StorageKeys.SiteCert(issuer, s.name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("acme: read the certificate: %w", err)
	}
	keyPEM, err := m.storage.read(certmagic.StorageKeys.SitePrivateKey(issuer, s.name))
	if err != nil {
		return fmt.Errorf("acme: read the key: %w", err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return fmt.Errorf("acme: the certificate and its key: %w", err)
	}
	life := pair.Leaf.NotAfter.Sub(pair.Leaf.NotBefore)
	s.cert, s.renew, s.advice = &pair, pair.Leaf.NotBefore.Add(life*2/3), time.Time{}
	return nil
}

// advise asks the server whether to renew earlier, as after it has revoked
// certificates. One that does not say changes nothing.
func (m *Manager) advise(ctx context.Context, issuer *certmagic.ACMEIssuer, s *site, now time.Time) {
	if now.Before(s.advice) {
		return
	}
	s.advice = now.Add(adviceInterval)
	ctx, cancel := context.WithTimeout(ctx, adviceWithin)
	defer cancel()
	info, err := issuer.GetRenewalInfo(ctx, certmagic.Certificate{Certificate: *s.cert})
	if err != nil || info.SelectedTime.IsZero() {
		return
	}
	if advised := follow(s.cert.Leaf, info.SelectedTime); advised.Before(s.renew) {
		s.renew = advised
	}
}

// follow is when to renew a leaf by advice.
func follow(leaf *x509.Certificate, advice time.Time) time.Time {
	if early := leaf.NotBefore.Add(min(rest, leaf.NotAfter.Sub(leaf.NotBefore)/10)); advice.Before(early) {
		return early
	}
	return advice
}
