package cert

import (
	"crypto/tls"
	"crypto/x509"
)

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
