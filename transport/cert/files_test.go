package cert

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pairFiles is a certificate and key that somebody else keeps.
type pairFiles struct{ cert, key string }

func newPairFiles(t *testing.T) pairFiles {
	t.Helper()
	dir := t.TempDir()
	return pairFiles{filepath.Join(dir, "fullchain.pem"), filepath.Join(dir, "privkey.pem")}
}

// renew writes a new pair for localhost, made at now, and returns the leaf.
func (p pairFiles) renew(t *testing.T, now time.Time) *x509.Certificate {
	t.Helper()
	n := names{dns: []string{"localhost"}}
	a, err := newAuthority(n, now)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := a.issue(n, now, leafLife)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(leaf.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, p.cert, pem.EncodeToMemory(&pem.Block{Type: certBlock, Bytes: leaf.Certificate[0]}))
	p.write(t, p.key, pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der}))
	return leaf.Leaf
}

func (p pairFiles) write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFilesAreReloaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin()
		p := newPairFiles(t)
		first := p.renew(t, time.Now())
		var logged bytes.Buffer
		s, err := Open(Config{CertFile: p.cert, KeyFile: p.key, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
		if err != nil {
			t.Fatal(err)
		}
		if s.CAPEM() != nil || s.CAFile() != "" {
			t.Error("a certificate of somebody else's has an authority of the hub's")
		}
		running(t, s)
		serves := func(want *x509.Certificate, when string) {
			t.Helper()
			time.Sleep(2 * filesInterval)
			synctest.Wait()
			if !s.current.Load().Leaf.Equal(want) {
				t.Errorf("%s: serves another certificate", when)
			}
		}
		serves(first, "untouched")

		second := p.renew(t, time.Now())
		serves(second, "renewed")

		good, err := os.ReadFile(p.cert)
		if err != nil {
			t.Fatal(err)
		}
		p.write(t, p.cert, good[:len(good)/2])
		serves(second, "half a file")
		if err := os.Remove(p.key); err != nil {
			t.Fatal(err)
		}
		serves(second, "no key")
		if n := strings.Count(logged.String(), "not renewed"); n != 2 {
			t.Errorf("two failures are logged %d times:\n%s", n, &logged)
		}

		third := p.renew(t, time.Now())
		serves(third, "whole again")
	})
}

func TestKeyOfAnotherCertificate(t *testing.T) {
	p, q := newPairFiles(t), newPairFiles(t)
	p.renew(t, time.Now())
	q.renew(t, time.Now())
	_, err := Open(Config{CertFile: p.cert, KeyFile: q.key, Logger: quiet()})
	if err == nil || !strings.Contains(err.Error(), "are no pair") || !strings.Contains(err.Error(), q.key) {
		t.Errorf("error %v, want one that names both files", err)
	}
}

func TestExpiredFilesAreServedWithAWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin()
		p := newPairFiles(t)
		p.renew(t, time.Now())
		var logged bytes.Buffer
		s, err := Open(Config{CertFile: p.cert, KeyFile: p.key, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
		if err != nil {
			t.Fatal(err)
		}
		if logged.Len() > 0 {
			t.Errorf("logged while all is well:\n%s", &logged)
		}
		time.Sleep(leafLife - time.Minute)
		running(t, s)
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := strings.Count(logged.String(), "expired"); n != 2 { // the message and its key
			t.Errorf("the warning is not there once:\n%s", &logged)
		}
		again, err := Open(Config{CertFile: p.cert, KeyFile: p.key, Logger: quiet()})
		if err != nil {
			t.Fatalf("an expired certificate: %v", err)
		}
		if !again.Expires().Before(time.Now()) {
			t.Error("the certificate has not expired")
		}
	})
}
