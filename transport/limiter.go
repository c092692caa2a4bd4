package transport

import (
	"maps"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"everything.local/auth"
)

// Limits of connections, where ServerConfig does not say.
const (
	// DefaultMaxConns is what a Pi with 4 GiB holds at 100 KiB a connection, the
	// costliest wire, with half its memory left: a feed each.
	DefaultMaxConns = DefaultMaxFeeds
	// DefaultMaxConnsPerAddress is far above what a browser with many pages or
	// a household behind one NAT needs, and a sixteenth of all.
	DefaultMaxConnsPerAddress = 1024
	// quicShare is the part of an address's connections that may be QUIC's, one
	// in so many: each can be made to cost a megabyte, by requests whose heads
	// never become whole.
	quicShare = 4
	// connsPerSecond is how many new ones an address may open in the long run: a
	// handshake takes a millisecond or two of a Pi's core. At once it may open as
	// many as it may have, as after a restart, when everybody comes back.
	connsPerSecond = 50

	// refusals is how many refused connections are accepted at once, to be told
	// why; refusalsPerSecond is how many in the long run, because each is told
	// over TLS. Those beyond are closed without a word.
	refusals          = 64
	refusalsPerSecond = 50
)

// Refusal is why a connection or request was refused.
type Refusal string

// The refusals.
const (
	// TooManyConns: as many are open as there may be, in all.
	TooManyConns Refusal = "connections"
	// TooManyFromAddress: as many are open as one address may have.
	TooManyFromAddress Refusal = "address"
	// TooFast: one address opens connections, or sends requests, too fast.
	TooFast Refusal = "rate"
	// TooManyFeeds: as many are open as there may be.
	TooManyFeeds Refusal = "feeds"
	// NoMemory: the memory budget is nearly used up.
	NoMemory Refusal = "memory"
)

// limiter counts the connections of all listeners of a server, and says which
// are refused.
type limiter struct {
	most, mostPerAddress int
	rates                *auth.Limiter
	telling              *rate.Limiter
	memory               *Budget // nil for none

	mu      sync.Mutex
	open    int
	from    map[netip.Prefix]int
	quic    map[netip.Prefix]int // of those in from
	told    int                  // refused connections that are open
	refused map[Refusal]uint64
}

func newLimiter(most, mostPerAddress int) *limiter {
	return &limiter{
		most: most, mostPerAddress: mostPerAddress,
		rates:   auth.NewLimiter(auth.Limit{PerSecond: connsPerSecond, Burst: mostPerAddress}),
		telling: rate.NewLimiter(refusalsPerSecond, refusals),
		from:    make(map[netip.Prefix]int),
		quic:    make(map[netip.Prefix]int),
		refused: map[Refusal]uint64{TooManyConns: 0, TooManyFromAddress: 0, TooFast: 0, NoMemory: 0},
	}
}

// admit decides about a TCP connection from addr and counts it. It returns why
// it is refused, or what undoes the count.
func (l *limiter) admit(addr netip.Addr) (release func(), why Refusal) {
	network := auth.Network(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	if why := l.check(addr, network, true); why != "" {
		return nil, why
	}
	l.count(network, 1)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.count(network, -1)
	}, ""
}

// admitQUIC is admit for QUIC. An address that is not proven may be anybody's,
// and its rate is not charged for it.
func (l *limiter) admitQUIC(addr netip.Addr, proven bool) (release func(), why Refusal) {
	network := auth.Network(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.quic[network] >= max(l.mostPerAddress/quicShare, 1) {
		l.refused[TooManyFromAddress]++
		return nil, TooManyFromAddress
	}
	if why := l.check(addr, network, proven); why != "" {
		return nil, why
	}
	l.count(network, 1)
	change(l.quic, network, 1)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.count(network, -1)
		change(l.quic, network, -1)
	}, ""
}

// check says why a connection is refused, and counts that; l.mu is held.
func (l *limiter) check(addr netip.Addr, network netip.Prefix, proven bool) (why Refusal) {
	switch {
	case l.memory.Tight():
		why = NoMemory
	case l.open >= l.most:
		why = TooManyConns
	case l.from[network] >= l.mostPerAddress:
		why = TooManyFromAddress
	case proven && !local(addr) && l.rates.Wait(network, time.Now()) > 0:
		why = TooFast
	default:
		return ""
	}
	l.refused[why]++
	return why
}

// count counts connections in or out; l.mu is held.
func (l *limiter) count(network netip.Prefix, n int) {
	l.open += n
	change(l.from, network, n)
}

// change changes one of several counts, of which it keeps none that is 0.
func change(counts map[netip.Prefix]int, network netip.Prefix, n int) {
	if counts[network] += n; counts[network] == 0 {
		delete(counts, network)
	}
}

// tell reports whether there is time to tell a refused connection why; release
// is called when that is done.
func (l *limiter) tell() (release func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.told >= refusals || !l.telling.Allow() {
		return nil, false
	}
	l.told++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.told--
	}, true
}

func (l *limiter) stats() (open int, refused map[Refusal]uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open, maps.Clone(l.refused)
}

// local reports whether addr is where programs on this machine call from, whom
// no rate slows down: load is measured from here, and a proxy here calls for
// many, whose rates are then the proxy's affair. Who binds another of the
// loopback addresses is treated like anybody.
func local(addr netip.Addr) bool {
	return !addr.IsValid() || addr == netip.AddrFrom4([4]byte{127, 0, 0, 1}) || addr == netip.IPv6Loopback()
}

// addrOf is a client's address, without zone and port; the zero Addr for
// connections that have none, as in tests.
func addrOf(a net.Addr) netip.Addr {
	return parseAddr(a.String())
}

func parseAddr(s string) netip.Addr {
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}
