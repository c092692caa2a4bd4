package main

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// selfURL is where a hub of this configuration is reached from its own machine,
// port being the one it has.
func (c *config) selfURL(port string) string {
	host, _, _ := net.SplitHostPort(c.Listen) // settle has checked it
	if ip := net.ParseIP(host); host == "" || ip != nil && (ip.IsUnspecified() || ip.IsLoopback()) {
		host = "localhost"
	}
	return "https://" + net.JoinHostPort(host, port)
}

// selfClient returns a client for this hub alone, under whichever name its
// certificate has: the hub's own one is for localhost, that of --cert for names
// that need not lead here. It is vouched for by the file that the hub itself
// serves from.
func (c *config) selfClient() *http.Client {
	file, name := filepath.Join(tlsDir(c.Data), "ca.pem"), "localhost"
	if c.Cert != "" {
		file = c.Cert
		if pair, err := tls.LoadX509KeyPair(c.Cert, c.Key); err == nil {
			name = nameOf(pair.Leaf)
		}
	}
	trusted := x509.NewCertPool()
	if b, err := os.ReadFile(file); err == nil { // else nothing is trusted, which says why
		trusted.AppendCertsFromPEM(b)
	}
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: trusted, ServerName: name, MinVersion: tls.VersionTLS13},
		ForceAttemptHTTP2: true,
	}}
}

// nameOf returns a name that a certificate is good for.
func nameOf(leaf *x509.Certificate) string {
	switch {
	case len(leaf.DNSNames) > 0:
		return strings.Replace(leaf.DNSNames[0], "*", "hub", 1) // any label stands for the star
	case len(leaf.IPAddresses) > 0:
		return leaf.IPAddresses[0].String()
	}
	return ""
}
