package auth

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"everything.local/event"
)

const (
	// MaxTokenBytes bounds a token before anything is made of it. The hub's own
	// are about 400 bytes.
	MaxTokenBytes = 4 << 10
	// TicketLifetime is how long a feed ticket can be used: time enough to
	// connect on a bad line, and worthless in whatever kept it.
	TicketLifetime = time.Minute
	// leeway is how far the clocks of a site's hubs may be apart.
	leeway = 30 * time.Second

	// issuer and audience tell the hub's tokens from anything else that may be
	// signed with the same keys one day. Never change them.
	issuer   = "everything-hub"
	audience = "everything-hub"

	scopeFeed = "feed"
)

// Claims are what a token says.
type Claims struct {
	// Role is the bearer's; not Anonymous.
	Role Role
	// Subject is who the bearer is: the same person or screen, the same
	// subject. 1 to 64 letters, digits and ._@-.
	Subject string
	// Name is what a customer wants to be called. Optional.
	Name string
	// TTL is how long the token is good for, to the second; 0 for as long as
	// the role's sessions, at most MaxLifetime.
	TTL time.Duration
}

// claims are the stored form of Claims (RFC 7519). Fields are only ever added.
type claims struct {
	jwt.RegisteredClaims
	Role  Role   `json:"role"`
	Name  string `json:"name,omitempty"`
	Scope string `json:"scope,omitempty"`
	// Until is when a ticket's bearer stops being one; a ticket itself expires
	// much earlier, but the feed it opened goes on.
	Until *jwt.NumericDate `json:"until,omitempty"`
}

// Sign returns a token that says c, good from now on. Errors have code Invalid,
// with the Field at fault.
func (k *Keys) Sign(c Claims) (string, error) {
	if c.Role.Lifetime() == 0 {
		return "", event.Errorf(event.Invalid, "there is no role %s; there are customer, barista, admin and display", event.Quote(string(c.Role))).At("role")
	}
	if !validSubject(c.Subject) {
		return "", event.Errorf(event.Invalid, "a subject is 1 to 64 letters, digits and ._@-, not %s", event.Quote(c.Subject)).At("sub")
	}
	if c.TTL == 0 {
		c.TTL = c.Role.Lifetime()
	}
	if c.TTL < time.Second || c.TTL > MaxLifetime {
		return "", event.Errorf(event.Invalid, "a token is good for a second up to %d days, not %s", MaxLifetime/(24*time.Hour), c.TTL).At("ttl")
	}
	now := time.Now()
	return k.sign(now, claims{
		RegisteredClaims: registered(c.Subject, now, now.Add(c.TTL)),
		Role:             c.Role,
		Name:             c.Name,
	})
}

// ticket returns a ticket for i, and when it expires.
func (k *Keys) ticket(i Identity) (string, time.Time, error) {
	now := time.Now()
	expires := now.Add(TicketLifetime)
	if i.Expires.Before(expires) {
		expires = i.Expires
	}
	c := claims{
		RegisteredClaims: registered(i.Subject, now, expires),
		Role:             i.Role,
		Name:             i.Name,
		Scope:            scopeFeed,
		Until:            jwt.NewNumericDate(i.Expires),
	}
	token, err := k.sign(now, c)
	return token, c.ExpiresAt.Time, err
}

func registered(subject string, now, expires time.Time) jwt.RegisteredClaims {
	return jwt.RegisteredClaims{
		Issuer:    issuer,
		Audience:  jwt.ClaimStrings{audience},
		Subject:   subject,
		IssuedAt:  jwt.NewNumericDate(now),
		ExpiresAt: jwt.NewNumericDate(expires),
	}
}

func (k *Keys) sign(now time.Time, c claims) (string, error) {
	signer := k.signer(now)
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, c)
	t.Header["kid"] = signer.id
	s, err := t.SignedString(signer.private)
	if err != nil {
		return "", fmt.Errorf("auth: sign: %w", err)
	}
	return s, nil
}

// Verify returns whom token was signed for, if it is good at now. Errors have
// code TokenExpired if the token was good once, else BadToken.
func (k *Keys) Verify(token string, now time.Time) (Identity, error) {
	if len(token) > MaxTokenBytes {
		return Identity{}, event.Errorf(event.BadToken, "the token is %d bytes long, and no token of this hub is over %d; check what was pasted", len(token), MaxTokenBytes)
	}
	digest := sha256.Sum256([]byte(token))
	if i, ok := k.verified.find(digest, now); ok {
		return i, nil
	}
	// Base64 decoders look past line breaks; a token has one spelling.
	if strings.ContainsAny(token, "\r\n") {
		return Identity{}, explain(jwt.ErrTokenMalformed)
	}
	var c claims
	// The algorithm is fixed, never the token's to choose (RFC 8725, section
	// 3.1), and the signature is looked at before any claim is.
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
		jwt.WithStrictDecoding(),
		jwt.WithIssuer(issuer),
		jwt.WithAudience(audience),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(leeway),
		jwt.WithTimeFunc(func() time.Time { return now }),
	)
	if _, err := parser.ParseWithClaims(token, &c, k.verifier); err != nil {
		return Identity{}, explain(err)
	}
	i, err := c.identity(now)
	// A ticket opens a feed and is done with: it would push out who orders.
	if err == nil && !i.FeedOnly {
		k.verified.keep(digest, i, now, c.ExpiresAt.Time)
	}
	return i, err
}

// errForeignKey is a token signed by somebody else, or with a deleted key.
var errForeignKey = errors.New("auth: foreign key")

// errCritical is a header that must be understood and is not (RFC 7515, section
// 4.1.11).
var errCritical = errors.New("auth: critical header")

func (k *Keys) verifier(t *jwt.Token) (any, error) {
	if _, ok := t.Header["crit"]; ok {
		return nil, errCritical
	}
	id, _ := t.Header["kid"].(string)
	one, ok := k.byID[id]
	if !ok {
		return nil, errForeignKey
	}
	return one.private.Public(), nil
}

// identity is whom verified claims speak of.
func (c claims) identity(now time.Time) (Identity, error) {
	// The parser's leeway is for clocks that are apart when a token is new. An
	// end is an end: without this a feed would be opened to be closed at once.
	if !now.Before(c.ExpiresAt.Time) {
		return Identity{}, errExpired()
	}
	if c.Role.Lifetime() == 0 || !validSubject(c.Subject) || c.IssuedAt == nil ||
		c.Scope != "" && c.Scope != scopeFeed || (c.Scope == scopeFeed) != (c.Until != nil) {
		return Identity{}, event.Errorf(event.BadToken, "the token lacks what this hub needs to know; ask for a new one")
	}
	i := identify(c.Role, c.Subject)
	i.Name = c.Name
	i.Expires = c.ExpiresAt.Time
	if c.Scope == scopeFeed {
		i.FeedOnly = true
		i.Expires = c.Until.Time
	}
	return i, nil
}

func errExpired() *event.Error {
	return event.Errorf(event.TokenExpired, "the token has expired; sign in again, or ask for a new one")
}

// explain turns the parser's error into one for the caller. A token that is
// both expired and bad is bad.
func explain(err error) *event.Error {
	switch {
	case errors.Is(err, errForeignKey):
		return event.Errorf(event.BadToken, "the token was not signed by this site, or its key is out of use; ask for a new one")
	case errors.Is(err, jwt.ErrTokenMalformed):
		return event.Errorf(event.BadToken, "this is not a token; check that all of it was pasted, three parts with dots between")
	case errors.Is(err, jwt.ErrTokenSignatureInvalid), errors.Is(err, jwt.ErrTokenUnverifiable):
		return event.Errorf(event.BadToken, "the token's signature is not this hub's; ask for a new one")
	case errors.Is(err, jwt.ErrTokenInvalidIssuer), errors.Is(err, jwt.ErrTokenInvalidAudience),
		errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return event.Errorf(event.BadToken, "the token is for something else than this hub; ask for a new one")
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return event.Errorf(event.BadToken, "the token is not good yet; check that the clocks of the hub and of whoever made it are right")
	case errors.Is(err, jwt.ErrTokenExpired):
		return errExpired()
	}
	return event.Errorf(event.BadToken, "the token cannot be read; ask for a new one")
}

func validSubject(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '.', c == '_', c == '@', c == '-':
		default:
			return false
		}
	}
	return true
}
