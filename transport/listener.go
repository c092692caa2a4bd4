package transport

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"everything.local/event"
)

// Limits of connections, where ServerConfig does not say.
const (
	// DefaultMaxConns is what a Pi with 4 GiB holds at 100 KiB a connection
	// with three quarters of its memory left.
	DefaultMaxConns = 8192
	// DefaultMaxConnsPerAddress is far above what a browser with many pages or
	// a household behind one NAT needs, and an eighth of all.
	DefaultMaxConnsPerAddress = 1024
	// refusals is how many connections over a limit are accepted at once, to be
	// answered with 503. Those beyond are closed without a word.
	refusals = 64
)

// limiter counts the connections of all listeners of a server.
type limiter struct {
	most, mostPerAddress int

	mu        sync.Mutex
	open      int
	byAddress map[netip.Addr]int
	refusing  int
	refused   uint64 // since the start, however they were refused
}

// verdict is what is to become of a new connection.
type verdict int

const (
	serve verdict = iota
	refuse
	hangUp
)

// admit decides about a connection from addr and counts it, unless the verdict
// is hangUp. Release undoes the count.
func (l *limiter) admit(addr netip.Addr) (v verdict, release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open < l.most && l.byAddress[addr] < l.mostPerAddress {
		l.open++
		l.byAddress[addr]++
		return serve, func() { l.release(addr) }
	}
	l.refused++
	if l.refusing >= refusals {
		return hangUp, nil
	}
	l.refusing++
	return refuse, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.refusing--
	}
}

func (l *limiter) release(addr netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.byAddress[addr]--; l.byAddress[addr] == 0 {
		delete(l.byAddress, addr)
	}
}

// listener accepts the connections that its limiter admits.
type listener struct {
	net.Listener
	limits *limiter
	stall  time.Duration
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		v, release := l.limits.admit(addrOf(c.RemoteAddr()))
		if v == hangUp {
			_ = c.Close() // it never was a connection of ours
			continue
		}
		tune(c, l.stall)
		return &conn{Conn: c, stall: l.stall, refused: v == refuse, release: release}, nil
	}
}

// addrOf is a client's address, without zone and port; the zero Addr for
// connections that have none, as in tests.
func addrOf(a net.Addr) netip.Addr {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

type refusedKey struct{}

// markRefused is an http.Server's ConnContext: it carries the listener's
// verdict to turnAway.
func markRefused(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if own, ok := c.(*conn); ok && own.refused {
		return context.WithValue(ctx, refusedKey{}, true)
	}
	return ctx
}

// turnAway answers the requests of connections over the limit.
func turnAway(next http.Handler, writeError func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Value(refusedKey{}) == nil {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Connection", "close")
		w.Header().Set("Retry-After", "5")
		writeError(w, r, event.Errorf(event.Unavailable, "this hub has as many connections as it can serve, in all or from your address; close some, or try again in a few seconds"))
	})
}
