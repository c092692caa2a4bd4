package cert

import (
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
)

// secretsFile is in the hub's directory for TLS.
const secretsFile = "secrets.pem"

// The PEM blocks of secretsFile.
const (
	resetBlock  = "STATELESS RESET KEY"
	tokenBlock  = "ADDRESS VALIDATION TOKEN KEY"
	ticketBlock = "SESSION TICKET SECRET"
)

// Secret is 32 random bytes that no log and no answer shows: formatted or
// marshalled it is a word.
type Secret [32]byte

// Format writes a word in place of the bytes, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("secret")) }

// MarshalText returns a word in place of the bytes.
func (Secret) MarshalText() ([]byte, error) { return []byte("secret"), nil }

// Secrets are what a hub has to remember so that clients of before a restart,
// planned or not, are back within a round trip.
type Secrets struct {
	// StatelessReset lets the hub tell a client that it has forgotten its
	// connection (RFC 9000, section 10.3). It belongs to one hub alone: with
	// that of another, anybody on the path could be told the tokens of this one.
	StatelessReset Secret
	// Token is for what proves a client's address at its next connection (RFC
	// 9000, section 8.1.3), instead of a round trip for a Retry. The hubs of a
	// site may share it.
	Token Secret

	// ticket is what the keys of session tickets derive from. The hubs of a site
	// may share it.
	ticket  Secret
	tickets atomic.Pointer[tickets]
}

// OpenSecrets reads the secrets in dir, or makes them. A file that is damaged
// is replaced: what is lost is a round trip for each client. Errors wrap
// ErrExposed or the file system's, and say what to do. A nil log is
// slog.Default().
func OpenSecrets(dir string, log *slog.Logger) (*Secrets, error) {
	if log == nil {
		log = slog.Default()
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cert: make the directory of secrets: %w", err)
	}
	path := filepath.Join(dir, secretsFile)
	b, err := readPrivate(path)
	if err == nil {
		s, err := parseSecrets(b)
		if err == nil {
			return s, nil
		}
		log.Warn("the secrets of connections are made anew, clients connect from scratch", "file", path, "error", err)
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	s := &Secrets{}
	for _, secret := range s.blocks() {
		_, _ = rand.Read(secret[:]) // never fails, see crypto/rand
	}
	return s, writeFile(path, s.marshal(), 0o600)
}

// Format writes a word in place of the secrets, whatever the verb. It is needed
// beside that of Secret because fmt looks at unexported fields for itself.
func (*Secrets) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("secrets")) }

func (s *Secrets) blocks() map[string]*Secret {
	return map[string]*Secret{resetBlock: &s.StatelessReset, tokenBlock: &s.Token, ticketBlock: &s.ticket}
}

func (s *Secrets) marshal() []byte {
	var b []byte
	for _, name := range []string{resetBlock, tokenBlock, ticketBlock} {
		b = append(b, pem.EncodeToMemory(&pem.Block{Type: name, Bytes: s.blocks()[name][:]})...)
	}
	return b
}

// parseSecrets reads what marshal wrote. Every secret has to be there, and
// whole: one of zeros is known to everybody.
func parseSecrets(b []byte) (*Secrets, error) {
	s := &Secrets{}
	want := s.blocks()
	for len(want) > 0 {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			return nil, fmt.Errorf("%w: %d secrets are missing", ErrBadFile, len(want))
		}
		secret, ok := want[block.Type]
		if !ok || len(block.Bytes) != len(secret) {
			return nil, fmt.Errorf("%w: a block is none of the secrets", ErrBadFile)
		}
		copy(secret[:], block.Bytes)
		if *secret == (Secret{}) {
			return nil, fmt.Errorf("%w: a secret is empty", ErrBadFile)
		}
		delete(want, block.Type)
	}
	return s, nil
}
