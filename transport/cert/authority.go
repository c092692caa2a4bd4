package cert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"time"
)

const (
	// authorityLife is long because every device has to trust the authority by
	// hand, once.
	authorityLife = 10 * 365 * 24 * time.Hour
	// leafLife is short because nobody has to do anything about it: a hub renews
	// its leaf while it runs, and the path is walked several times a year rather
	// than for the first time when nobody remembers it. Apple's devices take
	// nothing over 398 days. (Hashes for WebTransport ask for less: see line.)
	leafLife = 90 * 24 * time.Hour
	// skew is how far a device's clock may be behind the hub's.
	skew = time.Hour
)

// firstHub is before any hub has run. A machine without a battery wakes in
// 1970, and an authority from then would be out of date before it is used.
var firstHub = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// authority is the hub's own certificate authority.
//
// People are asked to trust it on their phones, so it is bound by name
// constraints (RFC 5280, section 4.2.1.10): to the names of local networks, to
// private addresses, and to what the hub was reached by when it was made.
// Whoever steals its key can be the café's hub, but nobody's bank.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// localDomains are names that no public authority certifies: RFC 6761, 6762,
// 8375, and .internal, which ICANN has set aside.
var localDomains = []string{"localhost", "local", "home.arpa", "internal"}

// localNetworks are loopback, private, link-local and shared addresses: RFC
// 1122, 1918, 3927, 6598, 4193, 4291.
var localNetworks = []string{
	"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
	"::1/128", "fc00::/7", "fe80::/10",
}

// newAuthority makes an authority that may certify n and everything local.
func newAuthority(n names, now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cert: make the authority: %w", err)
	}
	start := now
	if start.Before(firstHub) {
		start = firstHub
	}
	t := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: "Everything hub authority " + start.Format(time.DateOnly)},
		NotBefore:             start.Add(-skew),
		NotAfter:              start.Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,

		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         slices.Clone(localDomains),
	}
	for _, name := range n.dns {
		if !permitsName(t.PermittedDNSDomains, name) {
			t.PermittedDNSDomains = append(t.PermittedDNSDomains, name)
		}
	}
	for _, s := range localNetworks {
		_, network, err := net.ParseCIDR(s)
		if err != nil {
			return nil, fmt.Errorf("cert: make the authority: %w", err)
		}
		t.PermittedIPRanges = append(t.PermittedIPRanges, network)
	}
	for _, ip := range n.ips {
		if !permitsIP(t.PermittedIPRanges, ip) {
			bits := 8 * len(ip)
			t.PermittedIPRanges = append(t.PermittedIPRanges, &net.IPNet{IP: ip, Mask: net.CIDRMask(bits, bits)})
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("cert: make the authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("cert: make the authority: %w", err)
	}
	return &authority{cert, key}, nil
}

// issue makes a leaf for n, which permits returned, that is good for life.
func (a *authority) issue(n names, now time.Time, life time.Duration) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cert: make a leaf: %w", err)
	}
	t := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: "Everything hub"},
		NotBefore:             now.Add(-skew),
		NotAfter:              now.Add(life),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              n.dns,
		IPAddresses:           n.ips,
	}
	if t.NotAfter.After(a.cert.NotAfter) {
		t.NotAfter = a.cert.NotAfter
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return nil, fmt.Errorf("cert: make a leaf: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("cert: make a leaf: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// permits parts n into what the authority may certify and what it may not. One
// name too many would make clients refuse the whole leaf.
func (a *authority) permits(n names) (may names, not []string) {
	for _, name := range n.dns {
		if permitsName(a.cert.PermittedDNSDomains, name) {
			may.dns = append(may.dns, name)
		} else {
			not = append(not, name)
		}
	}
	for _, ip := range n.ips {
		if permitsIP(a.cert.PermittedIPRanges, ip) {
			may.ips = append(may.ips, ip)
		} else {
			not = append(not, ip.String())
		}
	}
	return may, not
}

func permitsName(domains []string, name string) bool {
	return slices.ContainsFunc(domains, func(d string) bool {
		return name == d || strings.HasSuffix(name, "."+d)
	})
}

func permitsIP(networks []*net.IPNet, ip net.IP) bool {
	return slices.ContainsFunc(networks, func(n *net.IPNet) bool { return n.Contains(ip) })
}

// serial is random, as unique as RFC 5280, section 4.1.2.2 asks for.
func serial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	b[0] &= 0x7f           // positive
	b[0] |= 0x40           // and never zero
	return new(big.Int).SetBytes(b[:])
}
