package cert

import (
	"crypto/tls"
	"crypto/x509"
	"path/filepath"
	"testing"
	"time"
)

func TestPublic(t *testing.T) {
	n := names{dns: []string{"localhost"}}
	now := time.Now()
	root, err := newAuthority(n, now)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := root.issue(n, now, leafLife)
	if err != nil {
		t.Fatal(err)
	}
	expired, err := root.issue(n, now, -time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(root.cert)
	chained := *leaf
	chained.Certificate = append(chained.Certificate, root.cert.Raw)
	for name, c := range map[string]struct {
		cert  *tls.Certificate
		roots *x509.CertPool
		want  bool
	}{
		"trusted":         {leaf, trusted, true},
		"with its chain":  {&chained, trusted, true},
		"expired":         {expired, trusted, false},
		"by nobody known": {leaf, nil, false},
		"sends its root":  {&chained, x509.NewCertPool(), false},
	} {
		if got := isPublic(c.cert, c.roots); got != c.want {
			t.Errorf("%s: public %v, want %v", name, got, c.want)
		}
	}
}

func TestOwnAuthorityIsNotPublic(t *testing.T) {
	if mustOpen(t, Config{Dir: filepath.Join(t.TempDir(), "tls")}).Public("localhost") {
		t.Error("the hub's own authority is taken for a public one")
	}
	p := newPairFiles(t)
	p.renew(t, time.Now())
	if mustOpen(t, Config{CertFile: p.cert, KeyFile: p.key}).Public("localhost") {
		t.Error("files of a private authority are taken for public ones")
	}
}

// TestIssuedBesideItsOwn gives a hub a certificate for a name of the outside.
func TestIssuedBesideItsOwn(t *testing.T) {
	n := names{dns: []string{"*.cafe.example"}}
	ca, err := newAuthority(names{dns: []string{"cafe.example"}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	issued, err := ca.issue(n, time.Now(), leafLife)
	if err != nil {
		t.Fatal(err)
	}
	var all []*tls.Certificate
	s := mustOpen(t, Config{
		Dir: filepath.Join(t.TempDir(), "tls"), Hosts: []string{"pi.cafe.example"},
		Issued: func() []*tls.Certificate { return all },
	})
	outside := x509.NewCertPool()
	outside.AddCert(ca.cert)
	shown := func(host string, roots *x509.CertPool) error {
		t.Helper()
		for _, server := range []*tls.Config{s.TLSConfig(false), s.QUICTLSConfig()} {
			c := trusting(t, s, host)
			if roots != nil {
				c.RootCAs = roots
			}
			if _, err := handshake(t, server, c); err != nil {
				return err
			}
		}
		return nil
	}
	if err := shown("pi.cafe.example", nil); err != nil || len(s.Hashes()) == 0 {
		t.Errorf("before it was issued: %v, %d hashes; want its own leaf", err, len(s.Hashes()))
	}
	all = append(all, issued)
	if err := shown("pi.cafe.example", outside); err != nil || len(s.Hashes()) > 0 {
		t.Errorf("once it was issued: %v, %d hashes", err, len(s.Hashes()))
	}
	for _, host := range []string{"localhost", "127.0.0.1"} {
		if err := shown(host, nil); err != nil {
			t.Errorf("as %s, which it is not for: %v", host, err)
		}
	}
	if s.Public("pi.cafe.example") {
		t.Error("what no root of this machine vouches for is taken for public")
	}
	s.vouched.Store(&vouched{issued, true})
	if !s.Public("pi.cafe.example") || s.Public("localhost") || s.Public("") {
		t.Error("public is not said of the name that is, and of it alone")
	}
}
