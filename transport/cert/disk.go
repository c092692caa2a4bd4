package cert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const (
	certBlock = "CERTIFICATE"
	keyBlock  = "PRIVATE KEY" // PKCS #8
)

// readAuthority reads what writePair wrote of an authority.
func readAuthority(path string) (*authority, error) {
	pair, err := readPair(path)
	if err != nil {
		return nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return nil, fmt.Errorf("%w: %s is no authority that a hub made; restore it from a backup, or move it away to have a new one made", ErrBadFile, path)
	}
	return &authority{pair.Leaf, key}, nil
}

// readPair reads a file with a key and its certificate, which nobody else may
// be able to read.
func readPair(path string) (*tls.Certificate, error) {
	b, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(b, b)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w; restore it from a backup, or move it away to have a new one made", ErrBadFile, path, err)
	}
	return &pair, nil
}

// readPrivate reads a small file, which nobody else may be able to read.
func readPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cert: read a key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("cert: read a key: %w", err)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s has mode %04o; run chmod 0600 on it, and if others use this machine move it away to have a new one made", ErrExposed, path, perm)
	}
	const most = 64 << 10 // what the hub writes is a few KiB; what is larger is another file
	b, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil, fmt.Errorf("cert: read a key: %w", err)
	}
	return b, nil
}

// writePair writes a key and its certificate into one file of mode 0600.
func writePair(path string, pair *tls.Certificate) error { return writePairs(path, pair) }

// readPairs reads a file with some keys, each followed by its certificate.
func readPairs(path string) ([]*tls.Certificate, error) {
	rest, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	var pairs []*tls.Certificate
	for len(bytes.TrimSpace(rest)) > 0 {
		all := rest
		for range 2 { // PEM blocks; what is none is left to X509KeyPair
			_, rest = pem.Decode(rest)
		}
		one := all[:len(all)-len(rest)]
		pair, err := tls.X509KeyPair(one, one)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrBadFile, path, err)
		}
		pairs = append(pairs, &pair)
	}
	return pairs, nil
}

// writePairs writes keys and their certificates into one file of mode 0600.
func writePairs(path string, pairs ...*tls.Certificate) error {
	var b []byte
	for _, pair := range pairs {
		der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
		if err != nil {
			return fmt.Errorf("cert: write a key: %w", err)
		}
		b = append(b, pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der})...)
		b = append(b, pem.EncodeToMemory(&pem.Block{Type: certBlock, Bytes: pair.Certificate[0]})...)
	}
	return writeFile(path, b, 0o600)
}

// writeFile replaces a file so that after a power cut it is the old one or the
// new one, whole.
func writeFile(path string, b []byte, mode os.FileMode) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("cert: write %s: %w", filepath.Base(path), err)
	}
	defer os.Remove(f.Name()) // gone already if all went well
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("cert: write %s: %w", filepath.Base(path), err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
