package auth

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"everything.local/event"
)

func TestSignedIsVerified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := openKeys(t)
		for _, role := range []Role{Customer, Barista, Admin, Display} {
			token := sign(t, k, Claims{Role: role, Subject: "bob@home", Name: "Bob"})
			got, err := k.Verify(token, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			want := Identity{
				Role: role, Subject: "bob@home", ID: event.DeriveID(string(role), "bob@home"), Name: "Bob",
				Expires: time.Now().Add(role.Lifetime()),
			}
			if role == Customer {
				want.Customer = want.ID
			}
			if !got.Expires.Equal(want.Expires) {
				t.Errorf("%s expires at %s, want %s", role, got.Expires, want.Expires)
			}
			got.Expires = want.Expires // another location, the same instant
			if got != want {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
			if len(token) > MaxTokenBytes/4 {
				t.Errorf("a token of %d bytes is near its bound", len(token))
			}
		}
	})
}

// forged returns a token with the header and claims given, signed by sign.
func forged(t *testing.T, header, claims map[string]any, sign func(text string) []byte) string {
	t.Helper()
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := part(header) + "." + part(claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(sign(text))
}

// with returns m with a change, or without the key if value is nil.
func with(m map[string]any, key string, value any) map[string]any {
	m = maps.Clone(m)
	m[key] = value
	if value == nil {
		delete(m, key)
	}
	return m
}

func TestBadTokens(t *testing.T) {
	k, other := openKeys(t), openKeys(t)
	own := k.all[0]
	public := own.private.Public().(ed25519.PublicKey)
	eddsa := func(text string) []byte { return ed25519.Sign(own.private, []byte(text)) }
	hs256 := func(text string) []byte {
		b, err := jwt.SigningMethodHS256.Sign(text, []byte(public))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	now := time.Now()
	header := map[string]any{"alg": "EdDSA", "typ": "JWT", "kid": own.id}
	good := map[string]any{
		"iss": issuer, "aud": audience, "sub": "bob", "role": "barista",
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	make := func(key string, value any) string { return forged(t, header, with(good, key, value), eddsa) }
	whole := forged(t, header, good, eddsa)
	if _, err := k.Verify(whole, now); err != nil {
		t.Fatalf("the token that the others are made from: %v", err)
	}
	for _, test := range []struct {
		name, token string
		code        event.Code
		says        string
	}{
		{"empty", "", event.BadToken, "not a token"},
		{"text", "hello", event.BadToken, "not a token"},
		{"two parts", "a.b", event.BadToken, "not a token"},
		{"broken over two lines", whole[:len(whole)-4] + "\n" + whole[len(whole)-4:], event.BadToken, "not a token"},
		{"padded", whole + "=", event.BadToken, "not a token"},
		{"oversized", strings.Repeat("a", MaxTokenBytes+1), event.BadToken, "bytes long"},
		{"alg none", forged(t, with(header, "alg", "none"), good, func(string) []byte { return nil }), event.BadToken, "signature"},
		{"alg none, signed", forged(t, with(header, "alg", "none"), good, eddsa), event.BadToken, "signature"},
		{"no alg", forged(t, with(header, "alg", nil), good, eddsa), event.BadToken, "signature"},
		{"HS256 with the public key", forged(t, with(header, "alg", "HS256"), good, hs256), event.BadToken, "signature"},
		{"unknown alg", forged(t, with(header, "alg", "XY1"), good, eddsa), event.BadToken, "signature"},
		{"forged claims", whole[:strings.Index(whole, ".")] + "." + strings.Split(make("role", "admin"), ".")[1] + whole[strings.LastIndex(whole, "."):], event.BadToken, "signature"},
		{"cut signature", whole[:len(whole)-2], event.BadToken, "signature"},
		{"foreign kid", sign(t, other, Claims{Role: Admin, Subject: "eve"}), event.BadToken, "not signed by this site"},
		{"no kid", forged(t, with(header, "kid", nil), good, eddsa), event.BadToken, "not signed by this site"},
		{"kid is no text", forged(t, with(header, "kid", 1), good, eddsa), event.BadToken, "not signed by this site"},
		{"own kid, other key", forged(t, header, good, func(text string) []byte {
			return ed25519.Sign(other.all[0].private, []byte(text))
		}), event.BadToken, "signature"},
		{"critical header", forged(t, with(header, "crit", []string{"b64"}), good, eddsa), event.BadToken, "signature"},
		{"other issuer", make("iss", "else"), event.BadToken, "something else"},
		{"no issuer", make("iss", nil), event.BadToken, "something else"},
		{"other audience", make("aud", "else"), event.BadToken, "something else"},
		{"no audience", make("aud", nil), event.BadToken, "something else"},
		{"no exp", make("exp", nil), event.BadToken, "something else"},
		{"exp is text", make("exp", "tomorrow"), event.BadToken, "not a token"},
		{"no iat", make("iat", nil), event.BadToken, "lacks"},
		{"no subject", make("sub", nil), event.BadToken, "lacks"},
		{"strange subject", make("sub", "a b"), event.BadToken, "lacks"},
		{"no role", make("role", nil), event.BadToken, "lacks"},
		{"unknown role", make("role", "owner"), event.BadToken, "lacks"},
		{"the hub's role", make("role", "hub"), event.BadToken, "lacks"},
		{"unknown scope", make("scope", "menu"), event.BadToken, "lacks"},
		{"ticket without until", make("scope", "feed"), event.BadToken, "lacks"},
		{"until without scope", make("until", now.Add(time.Hour).Unix()), event.BadToken, "lacks"},
		{"made tomorrow", make("iat", now.Add(24*time.Hour).Unix()), event.BadToken, "not good yet"},
		{"not before tomorrow", make("nbf", now.Add(24*time.Hour).Unix()), event.BadToken, "not good yet"},
		{"expired", make("exp", now.Add(-time.Second).Unix()), event.TokenExpired, "expired"},
		{"expires now", make("exp", now.Unix()), event.TokenExpired, "expired"},
		{"expired long ago", make("exp", now.Add(-time.Hour).Unix()), event.TokenExpired, "expired"},
		{"expired and of another issuer", forged(t, header, with(with(good, "exp", 1), "iss", "else"), eddsa), event.BadToken, "something else"},
		{"expired and forged", forged(t, header, with(good, "exp", 1), hs256), event.BadToken, "signature"},
	} {
		t.Run(test.name, func(t *testing.T) {
			i, err := k.Verify(test.token, now)
			if event.CodeOf(err) != test.code || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want %s that says %q", err, test.code, test.says)
			}
			if i != (Identity{}) {
				t.Errorf("a bad token is %+v", i)
			}
			if len(test.token) > 20 && strings.Contains(err.Error(), test.token[:20]) {
				t.Error("the error repeats the token")
			}
		})
	}
}

func TestClocksMayBeALittleApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := openKeys(t)
		token := sign(t, k, Claims{Role: Barista, Subject: "bob", TTL: time.Minute})
		now := time.Now()
		for _, test := range []struct {
			at   time.Duration
			want event.Code
		}{
			{-leeway - time.Second, event.BadToken},
			{-leeway, ""},
			{0, ""},
			{time.Minute - time.Millisecond, ""},
			{time.Minute, event.TokenExpired},
		} {
			if _, err := k.Verify(token, now.Add(test.at)); event.CodeOf(err) != test.want {
				t.Errorf("at %s: error %v, want code %q", test.at, err, test.want)
			}
		}
	})
}

func TestSignRefuses(t *testing.T) {
	k := openKeys(t)
	for _, test := range []struct {
		claims Claims
		field  string
	}{
		{Claims{Subject: "bob"}, "role"},
		{Claims{Role: "owner", Subject: "bob"}, "role"},
		{Claims{Role: Barista}, "sub"},
		{Claims{Role: Barista, Subject: "bob\n"}, "sub"},
		{Claims{Role: Barista, Subject: strings.Repeat("b", 65)}, "sub"},
		{Claims{Role: Barista, Subject: "bob", TTL: -time.Second}, "ttl"},
		{Claims{Role: Barista, Subject: "bob", TTL: time.Millisecond}, "ttl"},
		{Claims{Role: Barista, Subject: "bob", TTL: MaxLifetime + 1}, "ttl"},
	} {
		_, err := k.Sign(test.claims)
		if e, ok := errors.AsType[*event.Error](err); !ok || e.Code != event.Invalid || e.Field != test.field {
			t.Errorf("%+v: error %v, want invalid at %s", test.claims, err, test.field)
		}
	}
}

func FuzzVerify(f *testing.F) {
	k, err := OpenKeys(f.TempDir() + "/keys")
	if err != nil {
		f.Fatal(err)
	}
	now := time.Now()
	good, err := k.Sign(Claims{Role: Admin, Subject: "ada"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("")
	f.Add("..")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		i, err := k.Verify(token, now)
		if err == nil {
			// Nobody can forge: what is good is what was signed.
			if token != good {
				t.Errorf("%q was taken for %+v", token, i)
			}
			return
		}
		if c := event.CodeOf(err); c != event.BadToken && c != event.TokenExpired {
			t.Errorf("error %v has code %s", err, c)
		}
	})
}
