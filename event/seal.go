package event

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// ErrForgotten is returned by Key.Open for a box that was sealed with another
// key, which is how a forgotten customer's events read for ever.
var ErrForgotten = errors.New("event: sealed with a key that is gone")

// Key seals one customer's personal fields (AES-256-GCM, NIST SP 800-38D). It
// lives in the KEYS bucket only; deleting it there makes every event it sealed
// unreadable at once, in the log and in every backup of it.
type Key [32]byte

// Sealed is the stored form of an event's personal fields.
type Sealed struct {
	// Customer is whose key it is.
	Customer string `json:"customer"`
	// Key is the ID of the key, to tell a deleted key from a damaged box.
	Key string `json:"key"`
	// Box is the nonce followed by the ciphertext and its tag.
	Box []byte `json:"box"`
}

// NewKey returns a random key.
func NewKey() Key {
	var k Key
	_, _ = rand.Read(k[:]) // never fails, see crypto/rand
	return k
}

// ID names the key without giving it away.
func (k Key) ID() string {
	sum := sha256.Sum256(append([]byte("key id\n"), k[:]...))
	return hex.EncodeToString(sum[:8])
}

// Seal encrypts plain for customer's event in subject. The box opens only for
// the same customer and subject, so it cannot be moved to another event.
func (k Key) Seal(customer string, subject Subject, plain []byte) *Sealed {
	// With random 96-bit nonces a key may seal 2^32 boxes; a customer's life
	// in coffees is far below that.
	nonce := make([]byte, 12, 12+len(plain)+16)
	_, _ = rand.Read(nonce)
	box := k.aead().Seal(nonce, nonce, plain, sealContext(customer, subject))
	return &Sealed{Customer: customer, Key: k.ID(), Box: box}
}

// Open decrypts what Seal made. It returns ErrForgotten when s was sealed with
// another key and ErrDamaged when the box has been altered.
func (k Key) Open(subject Subject, s *Sealed) ([]byte, error) {
	if s.Key != k.ID() {
		return nil, ErrForgotten
	}
	if len(s.Box) < 12 {
		return nil, fmt.Errorf("%w: sealed box of %d bytes", ErrDamaged, len(s.Box))
	}
	plain, err := k.aead().Open(nil, s.Box[:12], s.Box[12:], sealContext(s.Customer, subject))
	if err != nil {
		return nil, fmt.Errorf("%w: sealed box of %s", ErrDamaged, subject)
	}
	return plain, nil
}

func (k Key) aead() cipher.AEAD {
	block, err := aes.NewCipher(k[:])
	if err != nil {
		panic(err) // only for a wrong key length
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // only for a block size other than AES's
	}
	return aead
}

func sealContext(customer string, subject Subject) []byte {
	return []byte("everything/1\n" + customer + "\n" + subject.String())
}
