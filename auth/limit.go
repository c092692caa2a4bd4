package auth

import (
	"container/list"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"everything.local/event"
)

// Limit is how often one address may do something. The zero Limit stands for
// the default.
type Limit struct {
	// PerSecond is how often in the long run.
	PerSecond float64
	// Burst is how often at once.
	Burst int
}

func (l Limit) or(other Limit) Limit {
	if l == (Limit{}) {
		return other
	}
	return l
}

// maxAddresses bounds a limiter's memory to about a megabyte. When more call,
// the one that has been silent for longest is forgotten: a local network has
// no such number of addresses, and a flood from more is for a firewall.
const maxAddresses = 4096

// Limiter limits each address by itself. It may be used by many goroutines.
type Limiter struct {
	limit Limit

	mu     sync.Mutex
	known  map[netip.Prefix]*list.Element
	recent list.List // of *address, the latest caller first
}

type address struct {
	prefix netip.Prefix
	bucket *rate.Limiter
}

// NewLimiter returns a limiter that has seen nobody.
func NewLimiter(l Limit) *Limiter { return &Limiter{limit: l, known: map[netip.Prefix]*list.Element{}} }

// take counts r. Over the limit it sets Retry-After (RFC 9110, section 10.2.3)
// and returns an *event.Error with code TooManyRequests.
func (l *Limiter) take(w http.ResponseWriter, r *http.Request) error {
	wait := l.Wait(remote(r), time.Now())
	if wait <= 0 {
		return nil
	}
	s := int(math.Ceil(wait.Seconds()))
	w.Header().Set("Retry-After", strconv.Itoa(s))
	return event.Errorf(event.TooManyRequests, "too many tries from this address; try again in %d s", s)
}

// Wait counts one call from network p, or returns how long it is too early.
func (l *Limiter) Wait(p netip.Prefix, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.known[p]
	if ok {
		l.recent.MoveToFront(e)
	} else {
		if len(l.known) >= maxAddresses {
			oldest := l.recent.Remove(l.recent.Back()).(*address)
			delete(l.known, oldest.prefix)
		}
		e = l.recent.PushFront(&address{p, rate.NewLimiter(rate.Limit(l.limit.PerSecond), l.limit.Burst)})
		l.known[p] = e
	}
	bucket := e.Value.(*address).bucket
	if bucket.AllowN(now, 1) {
		return 0
	}
	reserved := bucket.ReserveN(now, 1)
	wait := reserved.DelayFrom(now)
	if wait > 0 {
		reserved.CancelAt(now)
	}
	return wait
}

// remote is where r comes from.
func remote(r *http.Request) netip.Prefix {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{} // no TCP or QUIC peer: all of these are one
	}
	return Network(ap.Addr())
}

// Network is what counts as one caller of those at ip: an IPv4 address, which
// may be a whole household's, or an IPv6 network, in which one device has as
// many addresses as it likes.
func Network(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits) // the bits are in range
	return p
}
