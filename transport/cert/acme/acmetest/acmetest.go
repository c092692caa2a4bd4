// Package acmetest runs what a hub needs around it to get a certificate: an ACME
// server, Pebble, and the DNS server that it asks, both on loopback. The DNS
// server takes updates (RFC 2136), so that the whole road is walked.
package acmetest

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
)

// World is a running ACME server with its DNS.
type World struct {
	// Directory is the ACME server's URL, and RootFile what its own certificate
	// is vouched for by.
	Directory, RootFile string
	// DNS is host:port of the DNS server, for updates and for questions.
	DNS string
	// CredentialsFile lets its reader make updates.
	CredentialsFile string
	// Roots vouch for the certificates that are issued, IssuerFile has them in PEM.
	Roots      *x509.CertPool
	IssuerFile string

	server *httptest.Server
	dns    *nameserver
}

// Start runs a world until the test ends, with certificates that are good for
// some seconds.
func Start(t testing.TB, seconds uint64) *World {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1") // it waits some seconds for slow DNS otherwise
	n := startDNS(t)
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	issuer := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: seconds}})
	front := wfe.New(quiet, store, va.New(quiet, 0, 0, false, n.addr, store), issuer, []string{"ca.example"}, false, false, 1, 1)
	server := httptest.NewTLSServer(front.Handler())
	t.Cleanup(server.Close)

	dir := t.TempDir()
	w := &World{
		Directory: server.URL + wfe.DirectoryPath, RootFile: filepath.Join(dir, "acme-root.pem"),
		DNS: n.addr, CredentialsFile: filepath.Join(dir, "tsig.key"), Roots: x509.NewCertPool(),
		IssuerFile: filepath.Join(dir, "issuer.pem"),
		server:     server, dns: n,
	}
	root := issuer.GetRootCert(0).Cert
	w.Roots.AddCert(root)
	for path, content := range map[string][]byte{
		w.RootFile:        pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
		w.IssuerFile:      pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}),
		w.CredentialsFile: []byte(KeyFile),
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// SetDNS lets the DNS server answer, or fail.
func (w *World) SetDNS(up bool) {
	w.dns.mu.Lock()
	defer w.dns.mu.Unlock()
	w.dns.down = !up
}

// Updates are how many updates of DNS were taken, and how many were refused for
// want of a signature.
func (w *World) Updates() (taken, refused int) {
	w.dns.mu.Lock()
	defer w.dns.mu.Unlock()
	return w.dns.updates, w.dns.refused
}

// Left returns the records that are still there.
func (w *World) Left() []string {
	w.dns.mu.Lock()
	defer w.dns.mu.Unlock()
	var all []string
	for name, values := range w.dns.txt {
		for range values {
			all = append(all, name)
		}
	}
	return all
}

// StopServer ends the ACME server.
func (w *World) StopServer() { w.server.Close() }
