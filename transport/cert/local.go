package cert

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The files in Config.Dir. A key and its certificate are one file, so that a
// power cut never leaves one without the other.
const (
	authorityFile = "ca-key.pem"
	leafFile      = "leaf.pem"
	// publicFile is a copy of the authority's certificate, for people.
	publicFile = "ca.pem"
)

// localInterval is how often the leaf is looked at: a hub that gets an address
// is soon good under it.
const localInterval = 30 * time.Second

// local serves leaves of the hub's own authority: a long-lived one on TCP, and
// a line of short-lived ones on UDP.
type local struct {
	dir       string
	given     names
	found     func() (names, error)
	authority *authority
	public    []byte
	log       *slog.Logger

	// Only the goroutine of Open, then Run, uses these.
	leaf    *tls.Certificate
	line    *line
	served  bool     // the leaf has been handed out
	omitted []string // names left out, as last logged
}

func newLocal(dir string, hosts []string, log *slog.Logger) (*local, error) {
	given, err := given(hosts)
	if err != nil {
		return nil, err
	}
	l := &local{dir: dir, given: given, found: found, log: log}
	return l, l.open(time.Now())
}

// open reads the directory, and makes what is not there yet except for the
// leaf.
func (l *local) open(now time.Time) error {
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return fmt.Errorf("cert: make the directory of the certificate: %w", err)
	}
	a, err := readAuthority(filepath.Join(l.dir, authorityFile))
	if errors.Is(err, os.ErrNotExist) {
		a, err = l.makeAuthority(now)
	}
	if err != nil {
		return err
	}
	l.authority = a
	l.public = pem.EncodeToMemory(&pem.Block{Type: certBlock, Bytes: a.cert.Raw})
	if err := l.publish(); err != nil {
		return err
	}
	if _, not := a.permits(l.given); len(not) > 0 {
		return fmt.Errorf("%w: the authority in %s was made for other names and may not certify %s; drop them, or move %s and %s away to have a new one made, which every device has to trust again",
			ErrConfig, l.dir, strings.Join(not, ", "), authorityFile, leafFile)
	}
	if !now.Before(a.cert.NotAfter) {
		return fmt.Errorf("%w: the authority in %s expired on %s; move %s and %s away to have a new one made, which every device has to trust again",
			ErrBadFile, l.dir, a.cert.NotAfter.Format(time.DateOnly), authorityFile, leafFile)
	}
	leaf, err := readPair(filepath.Join(l.dir, leafFile))
	switch {
	case errors.Is(err, ErrBadFile):
		l.log.Warn("the leaf cannot be read and is made anew", "error", err)
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return err
	case err == nil && leaf.Leaf.CheckSignatureFrom(a.cert) == nil:
		l.leaf = leaf
	}
	l.line = &line{dir: l.dir, authority: a, log: l.log}
	return l.line.open()
}

// makeAuthority makes the authority and its file.
func (l *local) makeAuthority(now time.Time) (*authority, error) {
	n, err := l.wanted()
	if err != nil {
		return nil, err
	}
	a, err := newAuthority(n, now)
	if err != nil {
		return nil, err
	}
	pair := &tls.Certificate{Certificate: [][]byte{a.cert.Raw}, PrivateKey: a.key}
	if err := writePair(filepath.Join(l.dir, authorityFile), pair); err != nil {
		return nil, err
	}
	return a, nil
}

// publish writes the file of the authority's certificate, if it is not there.
func (l *local) publish() error {
	path := filepath.Join(l.dir, publicFile)
	if b, err := os.ReadFile(path); err == nil && bytes.Equal(b, l.public) {
		return nil
	}
	return writeFile(path, l.public, 0o644)
}

// wanted is what a leaf should be for now.
func (l *local) wanted() (names, error) {
	n, err := l.found()
	if err != nil {
		return names{}, err
	}
	for _, name := range l.given.dns {
		n.add(name)
	}
	for _, ip := range l.given.ips {
		n.addIP(ip)
	}
	return n, nil
}

func (l *local) interval() time.Duration { return localInterval }

func (l *local) ca() ([]byte, string) { return l.public, filepath.Join(l.dir, publicFile) }

// permitted is wanted, less what the authority may not certify.
func (l *local) permitted() (names, error) {
	n, err := l.wanted()
	if err != nil {
		return names{}, err
	}
	n, not := l.authority.permits(n)
	if !slices.Equal(not, l.omitted) {
		l.omitted = not
		if len(not) > 0 {
			l.log.Warn("the certificate leaves out names that its authority may not certify", "names", not)
		}
	}
	return n, nil
}

// next returns the leaf kept, the first time, and a new one when it is due.
func (l *local) next(now time.Time) (*tls.Certificate, error) {
	n, err := l.permitted()
	if err != nil {
		return nil, err
	}
	if l.leaf != nil && !due(l.leaf.Leaf, n, now) {
		if l.served {
			return nil, nil
		}
		l.served = true
		return l.leaf, nil
	}
	leaf, err := l.authority.issue(n, now, leafLife)
	if err != nil {
		return nil, err
	}
	if err := writePair(filepath.Join(l.dir, leafFile), leaf); err != nil {
		return nil, err
	}
	l.leaf, l.served = leaf, true
	return leaf, nil
}

func (l *local) short(now time.Time) ([]*tls.Certificate, error) {
	n, err := l.permitted()
	if err != nil {
		return nil, err
	}
	return l.line.turn(n, now)
}

// due reports whether leaf is to be replaced by one for n.
func due(leaf *x509.Certificate, n names, now time.Time) bool {
	// A name that is gone does no harm until the next renewal, and an interface
	// that comes and goes shall not wear out an SD card.
	if !(names{leaf.DNSNames, leaf.IPAddresses}).covers(n) {
		return true
	}
	// As long as the clock is plainly wrong it says nothing about the leaf.
	if now.Before(firstHub) {
		return false
	}
	life := leaf.NotAfter.Sub(leaf.NotBefore)
	return now.Before(leaf.NotBefore) || !now.Before(leaf.NotBefore.Add(life*2/3))
}
