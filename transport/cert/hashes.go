package cert

import (
	"crypto/sha256"
	"crypto/tls"
	"time"
)

// QUICTLSConfig is TLSConfig for HTTP/3: with the hub's own authority it
// presents a leaf that browsers take by its hash, see Hashes, and that clients
// which trust the authority verify as they do on TCP.
func (s *Source) QUICTLSConfig() *tls.Config {
	c := s.TLSConfig(false)
	c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if c := s.issuedFor(hello.ServerName); c != nil {
			return c, nil
		}
		if line := *s.line.Load(); len(line) > 0 {
			return choose(line, hello), nil
		}
		return s.current.Load(), nil
	}
	return c
}

// Hash is what a page gives to serverCertificateHashes of WebTransport.
type Hash struct {
	SHA256 [sha256.Size]byte // of the leaf in DER
	// Until is when the leaf expires.
	Until time.Time
}

// Hashes returns the hashes of the leaves that UDP presents now or within days,
// the current one first; none if there is a certificate that browsers need no
// hashes for. Pages that give them all are let in for at least four days.
func (s *Source) Hashes() []Hash {
	var hashes []Hash
	if len(s.allIssued()) > 0 {
		return nil // given any, a browser takes no other certificate
	}
	for _, leaf := range *s.line.Load() {
		hashes = append(hashes, Hash{sha256.Sum256(leaf.Certificate[0]), leaf.Leaf.NotAfter})
	}
	return hashes
}
