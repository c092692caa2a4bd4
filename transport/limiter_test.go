package transport

import (
	"net/netip"
	"testing"
)

func TestLimiter(t *testing.T) {
	l := &limiter{most: 3, mostPerAddress: 2, byAddress: make(map[netip.Addr]int)}
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	admit := func(addr netip.Addr, want verdict) func() {
		t.Helper()
		got, release := l.admit(addr)
		if got != want {
			t.Fatalf("admit %v: %v, want %v", addr, got, want)
		}
		return release
	}
	first := admit(a, serve)
	admit(a, serve)
	refused := admit(a, refuse) // two from one address
	admit(b, serve)
	admit(b, refuse) // three in all
	first()
	last := admit(b, serve)
	for range refusals - 2 {
		admit(b, refuse)
	}
	admit(b, hangUp)
	refused()
	admit(b, refuse)
	last()
	admit(a, serve)
	if l.open != 3 || l.refused != refusals+2 {
		t.Errorf("%d open, %d refused", l.open, l.refused)
	}
}
