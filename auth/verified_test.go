package auth

import (
	"crypto/sha256"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"everything.local/event"
)

// TestVerifiedBefore holds that a token that was good is looked at again by the
// clock, by whoever's keys these are, and by the clock set back.
func TestVerifiedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, began := openKeys(t), time.Now()
		token := sign(t, k, Claims{Role: Customer, Subject: "ada", Name: "Ada", TTL: time.Hour})
		first, err := k.Verify(token, began)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour - time.Second)
		if again, err := k.Verify(token, time.Now()); err != nil || again != first {
			t.Errorf("a second look found %+v, %v; the first %+v", again, err, first)
		}
		time.Sleep(time.Second)
		if _, err := k.Verify(token, time.Now()); event.CodeOf(err) != event.TokenExpired {
			t.Errorf("a token remembered to be good is so beyond its end: %v", err)
		}
		if _, err := k.Verify(token, began.Add(-time.Hour)); event.CodeOf(err) != event.BadToken {
			t.Errorf("a token remembered to be good is so before it was made: %v", err)
		}
		if _, err := openKeys(t).Verify(token, began); event.CodeOf(err) != event.BadToken {
			t.Errorf("other keys verify it: %v", err)
		}
		sig := strings.LastIndexByte(token, '.') + 1
		flip := "A"
		if token[sig:sig+1] == flip {
			flip = "B"
		}
		other := token[:sig] + flip + token[sig+1:]
		if _, err := k.Verify(other, began); event.CodeOf(err) != event.BadToken {
			t.Errorf("another signature is good: %v", err)
		}
	})
}

// TestVerifiedIsBounded holds that many tokens push each other out.
func TestVerifiedIsBounded(t *testing.T) {
	var v verified
	now := time.Now()
	for i := range 2 * maxVerified {
		v.keep(sha256.Sum256([]byte{byte(i), byte(i >> 8)}), Identity{}, now, now.Add(time.Hour))
	}
	if len(v.tokens) != maxVerified {
		t.Errorf("%d tokens are remembered, at most %d may be", len(v.tokens), maxVerified)
	}
}

// BenchmarkVerify is what a caller's token costs a hub each time.
func BenchmarkVerify(b *testing.B) {
	k := openKeys(b)
	token, err := k.Sign(Claims{Role: Customer, Subject: "ada"})
	if err != nil {
		b.Fatal(err)
	}
	for _, known := range []bool{false, true} {
		name := map[bool]string{false: "new", true: "known"}[known]
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if !known {
					k.verified.tokens = nil
				}
				if _, err := k.Verify(token, time.Now()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
