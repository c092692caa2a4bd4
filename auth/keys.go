package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ErrExposed is a key, or the directory of keys, that others than its owner
// may read. Whoever has read a key can be anybody: it has to be replaced.
var ErrExposed = errors.New("auth: signing keys are open to others")

// ErrBadKey is a file among the keys that is no key.
var ErrBadKey = errors.New("auth: not a signing key")

// Keys are the Ed25519 keys (RFC 8032) that a site's tokens are signed with,
// read from a directory of PEM files. Every key there verifies. A file's name
// begins with the instant its key is signed with from, and the newest whose
// instant has come signs.
//
// All hubs of a site have the same files. To take a new key into use, copy one
// named for tomorrow to every hub and restart them: by the time the first hub
// signs with it, all know it. To make every token of an old key worthless,
// delete it everywhere.
//
// Keys may be used by any number of goroutines.
type Keys struct {
	all  []key // oldest first, never empty
	byID map[string]key

	verified verified
}

type key struct {
	id      string
	from    time.Time
	private ed25519.PrivateKey
}

// keyTime is how a key file's name begins: sortable, and fit for any file
// system.
const keyTime = "20060102T150405Z"

// OpenKeys reads the keys in dir. It makes the directory (mode 0700) and a
// first key (mode 0600) when there is none. Errors wrap ErrExposed, ErrBadKey
// or the file system's, and say what to do.
func OpenKeys(dir string) (*Keys, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("auth: make the directory of signing keys: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("auth: look at the directory of signing keys: %w", err)
	}
	if err := checkPrivate(info, dir, "0700"); err != nil {
		return nil, err
	}
	k, err := readKeys(dir)
	if err != nil || len(k.all) > 0 {
		return k, err
	}
	if err := addKey(dir, time.Now()); err != nil {
		return nil, fmt.Errorf("auth: make the first signing key: %w", err)
	}
	return readKeys(dir)
}

// checkPrivate checks that nobody but the owner may open a file.
func checkPrivate(info fs.FileInfo, path, mode string) error {
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return fmt.Errorf("%w: %s has mode %04o; run chmod %s on it, and if others use this machine replace the keys", ErrExposed, path, perm, mode)
	}
	return nil
}

func readKeys(dir string) (*Keys, error) {
	files, err := os.ReadDir(dir) // sorted by name, and so by age
	if err != nil {
		return nil, fmt.Errorf("auth: list the signing keys: %w", err)
	}
	k := &Keys{byID: map[string]key{}}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".pem") {
			continue
		}
		one, err := readKey(filepath.Join(dir, f.Name()))
		if err != nil {
			return nil, err
		}
		if _, twice := k.byID[one.id]; !twice {
			k.all = append(k.all, one)
			k.byID[one.id] = one
		}
	}
	return k, nil
}

func readKey(path string) (key, error) {
	stamp, _, _ := strings.Cut(filepath.Base(path), "-")
	from, err := time.Parse(keyTime, stamp)
	if err != nil {
		return key{}, fmt.Errorf("%w: the name of %s does not begin with the instant it is used from, like %s-", ErrBadKey, path, keyTime)
	}
	f, err := os.Open(path)
	if err != nil {
		return key{}, fmt.Errorf("auth: read a signing key: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return key{}, fmt.Errorf("auth: read a signing key: %w", err)
	}
	if err := checkPrivate(info, path, "0600"); err != nil {
		return key{}, err
	}
	const most = 4 << 10 // a key is 119 bytes; what is larger is another file
	b, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return key{}, fmt.Errorf("auth: read a signing key: %w", err)
	}
	private, err := parseKey(b)
	if err != nil {
		return key{}, fmt.Errorf("%w: %s %w; restore it from another hub of the site, or move it away", ErrBadKey, path, err)
	}
	return key{keyID(private.Public().(ed25519.PublicKey)), from, private}, nil
}

func parseKey(b []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("has no PEM block PRIVATE KEY")
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("has a PEM block that is damaged")
	}
	private, ok := k.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("has a key of another kind than Ed25519")
	}
	return private, nil
}

// keyID names a key by what it is, so that equal files have equal ids whatever
// they are called.
func keyID(public ed25519.PublicKey) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:8])
}

// addKey makes a key to be signed with from an instant on. Its file appears
// whole or not at all.
func addKey(dir string, from time.Time) error {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	err = errors.Join(
		pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		f.Sync(), f.Close())
	if err != nil {
		return err
	}
	name := from.UTC().Format(keyTime) + "-" + keyID(public) + ".pem"
	if err := os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a rename in dir survive a power cut: a hub that came back with
// another key would know none of its callers.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// signer is the key to sign with at now: the newest whose time has come. A
// machine without a battery may wake in 1970, before all of them: it signs with
// the oldest.
func (k *Keys) signer(now time.Time) key {
	for _, one := range slices.Backward(k.all) {
		if !one.from.After(now) {
			return one
		}
	}
	return k.all[0]
}
