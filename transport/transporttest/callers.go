package transporttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"everything.local/auth"
	"everything.local/event"
)

// The tokens of callers.
const (
	barista = "barista"
	ada     = "ada"
	// brief is a barista whose token expires briefly after the request.
	brief = "brief"
)

const briefLife = 1500 * time.Millisecond

func identify(r *http.Request) (auth.Identity, error) {
	token, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !given {
		return auth.Identity{}, nil
	}
	return who(token)
}

// who is the caller with the token, whose id it is as well.
func who(token string) (auth.Identity, error) {
	name, _, _ := strings.Cut(token, "/") // what follows tells requests apart
	switch name {
	case barista:
		return auth.Identity{Role: auth.Barista, ID: token}, nil
	case ada:
		return auth.Identity{Role: auth.Customer, ID: token, Customer: "ada"}, nil
	case brief:
		return auth.Identity{Role: auth.Barista, ID: token, Expires: time.Now().Add(briefLife)}, nil
	}
	return auth.Identity{}, event.Errorf(event.BadToken, "this token is not ours")
}

// writeError is the least that the hub's own does.
func writeError(w http.ResponseWriter, _ *http.Request, err error) {
	e, ok := errors.AsType[*event.Error](err)
	if !ok {
		e = event.Errorf(event.Internal, "%v", err)
	}
	status := http.StatusBadRequest
	switch e.Code {
	case event.Unauthenticated, event.BadToken, event.TokenExpired:
		status = http.StatusUnauthorized
	case event.Forbidden:
		status = http.StatusForbidden
	case event.MethodNotAllowed:
		status = http.StatusMethodNotAllowed
	case event.NotAcceptable:
		status = http.StatusNotAcceptable
	case event.TooManyRequests:
		status = http.StatusTooManyRequests
	case event.Unavailable, event.ShuttingDown:
		status = http.StatusServiceUnavailable
	case event.Internal:
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"code": string(e.Code), "detail": e.Detail, "field": e.Field})
}

// SelfSigned returns a certificate for localhost, and whom to trust for it.
func SelfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, roots
}
