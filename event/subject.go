package event

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Kind is what an aggregate is.
type Kind string

// The kinds of aggregates. A kind is part of stored subjects: never rename one.
const (
	KindSite         Kind = "site"
	KindMenu         Kind = "menu"
	KindItem         Kind = "item"
	KindOrder        Kind = "order"
	KindAnnouncement Kind = "announcement"
	KindCustomer     Kind = "customer"
	KindScreen       Kind = "screen"
)

// Subject names one aggregate in the log. Its ID is always made by the hub:
// nothing a caller chose enters a subject.
type Subject struct {
	Kind Kind
	ID   string
}

// IDLength is the length of a hub-made id: 20 base32 digits are 100 bits.
const IDLength = 20

var ids = base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding)

// String returns "<kind>.<id>".
func (s Subject) String() string { return string(s.Kind) + "." + s.ID }

// ParseSubject reads what String wrote.
func ParseSubject(s string) (Subject, error) {
	kind, id, ok := strings.Cut(s, ".")
	if !ok || kind == "" || !ValidID(id) {
		return Subject{}, fmt.Errorf("event: subject %q is not <kind>.<id>", s)
	}
	return Subject{Kind(kind), id}, nil
}

// ValidID reports whether id may be a hub-made id: 1 to 64 lower-case letters
// and digits.
func ValidID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// NewID returns a random id.
func NewID() string {
	var b [13]byte
	_, _ = rand.Read(b[:])
	return ids.EncodeToString(b[:])[:IDLength]
}

// DeriveID returns the id that follows from parts, always the same for the
// same parts. ("ab","c") and ("a","bc") differ.
func DeriveID(parts ...string) string {
	sum := digest(parts)
	return ids.EncodeToString(sum[:13])[:IDLength]
}

// CommandID is the identity of a command: the same caller retrying the same
// request under the same Idempotency-Key gets the same id, anybody else and
// anything else another one.
func CommandID(caller, method, path, key string) string {
	sum := digest([]string{"command", caller, method, path, key})
	return hex.EncodeToString(sum[:])
}

// Digest hashes a command's body for Command.Digest.
func Digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:16])
}

// digest hashes parts with their lengths, so that no two lists collide.
func digest(parts []string) [32]byte {
	h := sha256.New()
	for _, p := range parts {
		_, _ = h.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	return [32]byte(h.Sum(nil))
}
