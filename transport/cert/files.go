package cert

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"time"
)

// filesInterval is how often the files are read. They are small, and comparing
// what they hold sees through every way of replacing a file: in place, renamed,
// or a link turned elsewhere.
const filesInterval = 5 * time.Second

// files serves a pair of files that somebody else renews.
type files struct {
	certFile, keyFile string
	log               *slog.Logger

	// Of the pair last loaded. Only the goroutine of Open, then Run, uses them.
	sum     [sha256.Size]byte
	expires time.Time
	warned  bool // that it has expired
}

func newFiles(certFile, keyFile string, log *slog.Logger) *files {
	return &files{certFile: certFile, keyFile: keyFile, log: log}
}

func (f *files) interval() time.Duration { return filesInterval }

// short returns none: browsers trust the pair by its authority, or not at all.
func (f *files) short(time.Time) ([]*tls.Certificate, error) { return nil, nil }

func (f *files) ca() ([]byte, string) { return nil, "" }

// next loads the pair if it has changed. While one file is new and the other is
// not yet, the two do not match, which is an error like any other.
func (f *files) next(now time.Time) (*tls.Certificate, error) {
	certPEM, err := os.ReadFile(f.certFile)
	if err != nil {
		return nil, fmt.Errorf("cert: read the certificate: %w", err)
	}
	keyPEM, err := os.ReadFile(f.keyFile)
	if err != nil {
		return nil, fmt.Errorf("cert: read the key: %w", err)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\n%s%s", len(certPEM), certPEM, keyPEM))
	if sum == f.sum {
		f.warn(now)
		return nil, nil
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("%w: %s and %s are no pair: %w; the certificate file has the leaf first and the key file its key, both in PEM", ErrBadFile, f.certFile, f.keyFile, err)
	}
	f.sum, f.expires, f.warned = sum, pair.Leaf.NotAfter, false
	f.warn(now)
	return &pair, nil
}

// warn says once that the pair has expired. It is served nevertheless: some
// clients look past that, and none past a hub that is not there.
func (f *files) warn(now time.Time) {
	if !f.warned && now.After(f.expires) {
		f.log.Warn("certificate has expired, browsers will refuse it; renew the file", "file", f.certFile, "expired", f.expires)
		f.warned = true
	}
}
