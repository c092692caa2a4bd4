package transport

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func admits(t *testing.T, l *limiter, addr string, want Refusal) func() {
	t.Helper()
	release, why := l.admit(netip.MustParseAddr(addr))
	if why != want {
		t.Fatalf("admit %v: refused for %q, want %q", addr, why, want)
	}
	return release
}

func TestLimiterCaps(t *testing.T) {
	l := newLimiter(3, 2)
	const a, b, other = "192.0.2.1", "192.0.2.2", "192.0.2.3"
	first := admits(t, l, a, "")
	admits(t, l, a, "")
	admits(t, l, a, TooManyFromAddress)
	last := admits(t, l, b, "")
	admits(t, l, other, TooManyConns)
	first()
	admits(t, l, other, "")
	admits(t, l, other, TooManyConns)
	last()
	admits(t, l, other, "")
	if open, refused := l.stats(); open != 3 || refused[TooManyConns] != 2 || refused[TooManyFromAddress] != 1 {
		t.Errorf("%d open, refused %v", open, refused)
	}
}

func TestLimiterCountsAnIPv6NetworkAsOne(t *testing.T) {
	l := newLimiter(100, 2)
	admits(t, l, "2001:db8::1", "")
	admits(t, l, "2001:db8::2:1", "")
	admits(t, l, "2001:db8::3", TooManyFromAddress)
	admits(t, l, "2001:db8:0:1::1", "")
}

func TestLimiterRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const burst = 10
		l := newLimiter(1000, burst)
		for range burst {
			admits(t, l, "192.0.2.1", "")()
		}
		admits(t, l, "192.0.2.1", TooFast)
		admits(t, l, "192.0.2.2", "")
		time.Sleep(time.Second / connsPerSecond)
		admits(t, l, "192.0.2.1", "")()
		admits(t, l, "192.0.2.1", TooFast)
	})
}

// TestLimiterQUICShare: an address may spend a part of its connections on QUIC.
func TestLimiterQUICShare(t *testing.T) {
	l := newLimiter(100, 8)
	a := netip.MustParseAddr("192.0.2.1")
	quic := func(want Refusal) func() {
		t.Helper()
		release, why := l.admitQUIC(a, false) // at no rate
		if why != want {
			t.Fatalf("admitQUIC: refused for %q, want %q", why, want)
		}
		return release
	}
	release := quic("")
	quic("")
	quic(TooManyFromAddress)
	release()
	quic("")
	for range 6 {
		admits(t, l, a.String(), "")
	}
	admits(t, l, a.String(), TooManyFromAddress)
	if open, refused := l.stats(); open != 8 || refused[TooManyFromAddress] != 2 {
		t.Errorf("%d open, refused %v", open, refused)
	}
}

// TestLimiterSparesUnprovenAddresses: what is sent in somebody's name does not
// use up that one's rate.
func TestLimiterSparesUnprovenAddresses(t *testing.T) {
	l := newLimiter(1000, 4)
	for range 100 {
		release, why := l.admitQUIC(netip.MustParseAddr("192.0.2.1"), false)
		if why != "" {
			t.Fatal(why)
		}
		release()
	}
	admits(t, l, "192.0.2.1", "")
}

func TestLimiterSparesLocalPrograms(t *testing.T) {
	l := newLimiter(1000, 2)
	for range 100 {
		admits(t, l, "127.0.0.1", "")()
		admits(t, l, "::1", "")()
	}
	admits(t, l, "127.0.0.1", "")
	admits(t, l, "127.0.0.1", "")
	admits(t, l, "127.0.0.1", TooManyFromAddress) // caps hold for them, too
	for range 2 {
		admits(t, l, "127.0.0.2", "")()
	}
	admits(t, l, "127.0.0.2", TooFast)
}

func TestLimiterTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(1, 1)
		var done []func()
		for range refusals {
			release, ok := l.tell()
			if !ok {
				t.Fatalf("%d refused connections are told, want %d", len(done), refusals)
			}
			done = append(done, release)
		}
		time.Sleep(time.Second)
		if _, ok := l.tell(); ok {
			t.Error("more are told at once than may be")
		}
		for _, release := range done {
			release()
		}
		for range refusalsPerSecond {
			release, ok := l.tell()
			if !ok {
				t.Fatal("nobody is told any more")
			}
			release()
		}
		if _, ok := l.tell(); ok {
			t.Error("more are told in a second than may be")
		}
	})
}
