package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"

	"everything.local/transport/cert/acme/acmetest"
)

// outsider is a client that came by the hub's public name and trusts roots.
type outsider struct {
	p     *process
	name  string
	roots *x509.CertPool
}

// seen is what an outsider is shown.
type seen struct {
	leaf   *x509.Certificate
	altSvc string
	hashes int
}

// get asks /v1/hub on a connection of its own.
func (o outsider) get(t *testing.T, h3 bool) (seen, error) {
	t.Helper()
	c := &tls.Config{RootCAs: o.roots, ServerName: o.name, MinVersion: tls.VersionTLS13}
	var tr http.RoundTripper
	if h3 {
		quic := &http3.Transport{TLSClientConfig: c}
		defer quic.Close()
		tr = quic
	} else {
		tcp := &http.Transport{TLSClientConfig: c}
		defer tcp.CloseIdleConnections()
		tr = tcp
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, o.p.url+"/v1/hub", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := tr.RoundTrip(r)
	if err != nil {
		return seen{}, err
	}
	defer answer.Body.Close()
	var hub struct {
		Hashes []any `json:"certificate_hashes"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&hub); err != nil {
		t.Fatal(err)
	}
	return seen{answer.TLS.PeerCertificates[0], answer.Header.Get("Alt-Svc"), len(hub.Hashes)}, nil
}

// await asks until it is shown what ok wants. Certificates of seconds may be
// refused now and then on a busy machine.
func (o outsider) await(t *testing.T, what string, h3 bool, ok func(seen) bool) seen {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(startWithin); ; {
		s, err := o.get(t, h3)
		if err == nil && ok(s) {
			return s
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: not after %v, last %+v, %v", what, startWithin, s, err)
		}
	}
}

// TestPublicName lets the built hub get a certificate from a real ACME server,
// which asks a real DNS server for the record that the hub has put there.
func TestPublicName(t *testing.T) {
	w := acmetest.Start(t, 30)
	t.Setenv("SSL_CERT_FILE", w.IssuerFile) // the hub's machine takes the issuer for a public one
	data := t.TempDir()
	p := start(t, data, "--acme-dns", "rfc2136", "--acme-server", w.DNS, "--acme-resolver", w.DNS,
		"--acme-credentials", w.CredentialsFile, "--acme-name", "pi.cafe.example", "--acme-email", "admin@cafe.example",
		"--acme-ca", w.Directory, "--acme-ca-root", w.RootFile, "--log-level", "debug")
	inside := outsider{p, "localhost", pool(t, filepath.Join(tlsDir(data), "ca.pem"))}
	outside := outsider{p, "pi.cafe.example", w.Roots}

	// It is open before it has one, and says so.
	for _, said := range []<-chan []string{
		p.out.waitFor(regexp.MustCompile(`https://pi\.cafe\.example:\d+ +the same`)),
		p.log.waitFor(regexp.MustCompile(`the hub's own authority serves until there is" name=pi.cafe.example`)),
	} {
		select {
		case <-said:
		case <-time.After(startWithin):
			t.Fatalf("nobody is told that there is no certificate yet:\n%s\n%s", p.out, p.log)
		}
	}
	if s, err := inside.get(t, false); err != nil || s.altSvc != "" {
		t.Fatalf("by its own name: %v, Alt-Svc %q", err, s.altSvc)
	}

	// By its public name one is sent to HTTP/3, and needs no hashes.
	first := outside.await(t, "a certificate", false, func(s seen) bool { return strings.HasPrefix(s.altSvc, "h3=") && s.hashes == 0 })
	outside.await(t, "a certificate on UDP", true, func(seen) bool { return true })
	for _, h3 := range []bool{false, true} {
		if s, err := inside.get(t, h3); err != nil || s.altSvc != "" {
			t.Errorf("by its own name, beside the public one: %v, Alt-Svc %q", err, s.altSvc)
		}
	}

	outside.await(t, "a renewal", false, func(s seen) bool { return !s.leaf.Equal(first.leaf) })
	if took, err := p.stop(); err != nil || took > 10*time.Second {
		t.Errorf("stopped after %v: %v", took, err)
	}
	if strings.Contains(p.log.String(), "c2VjcmV0") {
		t.Error("the key for DNS is in the log")
	}
}

// TestHTTP3IsOfferedWhenAskedTo is about --alt-svc, with the hub's own authority.
func TestHTTP3IsOfferedWhenAskedTo(t *testing.T) {
	for value, want := range map[string]bool{"on": true, "auto": false, "off": false} {
		data := t.TempDir()
		p := start(t, data, "--alt-svc", value)
		s, err := outsider{p, "localhost", pool(t, filepath.Join(tlsDir(data), "ca.pem"))}.get(t, false)
		if err != nil || (s.altSvc != "") != want || s.hashes < 2 {
			t.Errorf("%s: Alt-Svc %q, %d hashes, %v", value, s.altSvc, s.hashes, err)
		}
	}
}

func pool(t *testing.T, file string) *x509.CertPool {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(b)
	return roots
}
