package feed

import (
	"net/netip"
	"sync/atomic"
)

// perSource is how many connections in a row come from one source address. A
// hub takes 256 QUIC connections and 1,024 in all from one, and 50 new ones a
// second in the long run.
const perSource = 100

// sources hands out loopback addresses to dial from, 127.1.0.1 and on.
type sources struct {
	loopback bool
	dialled  atomic.Uint32
}

// next is where the next connection comes from; the zero Addr leaves it to the
// kernel.
func (s *sources) next() netip.Addr {
	if !s.loopback {
		return netip.Addr{}
	}
	return source((s.dialled.Add(1) - 1) / perSource)
}

// source is the i-th address. The last byte is never 0 or 255.
func source(i uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(1 + i/(250*250)%250), byte(i / 250 % 250), byte(1 + i%250)})
}
