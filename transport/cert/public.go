package cert

import (
	"crypto/tls"
	"crypto/x509"
)

// allIssued are the certificates of Config.Issued now.
func (s *Source) allIssued() []*tls.Certificate {
	if s.issued == nil {
		return nil
	}
	return s.issued()
}

// issuedFor returns the issued certificate for a name, or nil.
func (s *Source) issuedFor(name string) *tls.Certificate {
	if name == "" {
		return nil
	}
	for _, c := range s.allIssued() {
		if c.Leaf.VerifyHostname(name) == nil {
			return c
		}
	}
	return nil
}

type vouched struct {
	cert   *tls.Certificate
	public bool
}

// Public reports whether clients that ask for name (tls.ConnectionState's
// ServerName, "" if by address) are shown a certificate that they trust without
// having been told to, so far as this machine's own roots can tell. Only then
// is it wise to send them to HTTP/3 by Alt-Svc (RFC 7838): with any other
// browsers refuse QUIC, and some stumble.
func (s *Source) Public(name string) bool {
	if c := s.issuedFor(name); c != nil {
		return s.vouch(c)
	}
	// Its own authority is private even on a machine that was told to trust it.
	return len(*s.line.Load()) == 0 && s.vouch(s.current.Load())
}

// vouch is isPublic of a certificate, remembered: it is asked with each answer.
func (s *Source) vouch(c *tls.Certificate) bool {
	v := s.vouched.Load()
	if v == nil || v.cert != c {
		v = &vouched{c, isPublic(c, nil)}
		s.vouched.Store(v)
	}
	return v.public
}

// isPublic reports whether clients can be expected to trust the certificate
// without having been told to: whether this machine does. Roots are the
// system's if nil.
func isPublic(c *tls.Certificate, roots *x509.CertPool) bool {
	between := x509.NewCertPool()
	for _, der := range c.Certificate[1:] {
		if cert, err := x509.ParseCertificate(der); err == nil {
			between.AddCert(cert)
		}
	}
	_, err := c.Leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return err == nil
}
