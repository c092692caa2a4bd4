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
	if mustOpen(t, Config{Dir: filepath.Join(t.TempDir(), "tls")}).Public() {
		t.Error("the hub's own authority is taken for a public one")
	}
	p := newPairFiles(t)
	p.renew(t, time.Now())
	if mustOpen(t, Config{CertFile: p.cert, KeyFile: p.key}).Public() {
		t.Error("files of a private authority are taken for public ones")
	}
}
