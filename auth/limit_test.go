package auth

import (
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"everything.local/event"
)

func TestSessionsAreLimitedPerAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(c *Config) { c.SessionLimit = Limit{PerSecond: 0.5, Burst: 3} })
		for n := range 3 {
			if got := h.call(t, "POST", "/v1/session", `{"token":"x"}`); got.Code != event.BadToken {
				t.Fatalf("try %d: %+v", n, got)
			}
		}
		got := h.call(t, "POST", "/v1/session", `{"name":"Ada"}`)
		if got.Code != event.TooManyRequests || got.header.Get("Retry-After") != "2" {
			t.Fatalf("over the limit: %+v, Retry-After %q", got, got.header.Get("Retry-After"))
		}
		time.Sleep(2 * time.Second)
		if got := h.call(t, "POST", "/v1/session", `{"name":"Ada"}`); got.Code != "" {
			t.Errorf("after Retry-After: %+v", got)
		}
		if got := h.call(t, "POST", "/v1/session", `{"name":"Ada"}`); got.Code != event.TooManyRequests {
			t.Errorf("and once more: %+v", got)
		}
	})
}

func TestPairingIsLimitedPerAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		for range 6 {
			if _, got := h.ask(t, "10.0.0.5:1000"); got.Code != "" {
				t.Fatalf("within the limit: %+v", got)
			}
		}
		// Another port is the same device, another address another.
		if _, got := h.ask(t, "10.0.0.5:2000"); got.Code != event.TooManyRequests {
			t.Errorf("over the limit: %+v", got)
		}
		if _, got := h.ask(t, "10.0.0.6:1000"); got.Code != "" {
			t.Errorf("from elsewhere: %+v", got)
		}
		time.Sleep(10 * time.Second)
		if _, got := h.ask(t, "10.0.0.5:1000"); got.Code != "" {
			t.Errorf("ten seconds later: %+v", got)
		}
	})
}

func TestLimiterIsBounded(t *testing.T) {
	l := NewLimiter(Limit{PerSecond: 1, Burst: 1})
	now := time.Now()
	prefix := func(n int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), 32)
	}
	for n := range 3 * maxAddresses {
		if l.Wait(prefix(n), now) > 0 {
			t.Fatalf("address %d has to wait for others", n)
		}
		if l.Wait(prefix(0), now) <= 0 && n > 0 {
			t.Fatalf("an address that calls all the time was forgotten after %d others", n)
		}
	}
	if len(l.known) != maxAddresses || l.recent.Len() != maxAddresses {
		t.Errorf("knows %d addresses, want %d", len(l.known), maxAddresses)
	}
}

func TestRemote(t *testing.T) {
	for addr, want := range map[string]string{
		"10.0.0.5:1":                   "10.0.0.5/32",
		"[::ffff:10.0.0.5]:1":          "10.0.0.5/32",
		"[2001:db8:1:2:3:4:5:6]:1":     "2001:db8:1:2::/64",
		"[fe80::1%eth0]:1":             "fe80::/64",
		"@":                            netip.Prefix{}.String(),
		"hub.local:" + strconv.Itoa(1): netip.Prefix{}.String(),
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = addr
		if got := remote(r).String(); got != want {
			t.Errorf("%s is %s, want %s", addr, got, want)
		}
	}
}
