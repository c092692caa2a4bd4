package transport

import (
	"context"
	"maps"
	"net"
	"net/netip"
	"time"
)

// Move is how a client on QUIC has come to another address while its connection
// went on (RFC 9000, section 9).
type Move string

// The moves.
const (
	// Rebinding: to another port, or another address of the same network, as a
	// NAT does that has forgotten the client.
	Rebinding Move = "rebinding"
	// OtherNetwork: to another network, as a phone does that leaves the Wi-Fi.
	OtherNetwork Move = "network"
)

const (
	// lookEvery is how often it is looked where the clients are. QUIC follows
	// them by itself and tells nobody, so the hub compares addresses, a
	// microsecond for a hundred connections. Who goes and comes back, or goes on, in
	// between has moved once.
	lookEvery = 250 * time.Millisecond

	// A client that moves all the time has a line in the log every moveLineEvery,
	// and all clients together so many: when an access point restarts, everybody
	// moves.
	moveLineEvery      = 10 * time.Second
	moveLinesPerSecond = 5
	moveLinesAtOnce    = 50

	// Bits of an address that are its network, in the log and to tell moves
	// apart: what one access line has, and not who has it.
	networkBits4 = 24
	networkBits6 = 48
)

// track is where the client of a connection was seen last. It belongs to who
// looks.
type track struct {
	at    net.Addr
	moves int
	// told is when a move was last logged, asked that the client was asked to
	// come again.
	told  time.Time
	asked bool
}

// moved is a move that was seen.
type moved struct {
	of       *usage
	from, to net.Addr
}

// watch looks where clients are until ctx ends.
func (q *quicServer) watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			q.look(now)
		}
	}
}

// look counts and logs who has moved, and asks those to come again whose
// connection bears few more.
func (q *quicServer) look(now time.Time) {
	var worn map[*usage]int // there are none nearly always
	for _, m := range q.moved() {
		t := &m.of.track
		t.moves++
		kind := kindOf(m.from, m.to)
		q.mu.Lock()
		q.moves[kind]++
		q.mu.Unlock()
		q.note(m, kind, now)
		if !t.asked && t.moves >= movesBorne-1 && m.of.wears() {
			if worn == nil {
				worn = make(map[*usage]int)
			}
			worn[m.of] = 0
		}
	}
	if worn != nil && q.feed != nil {
		q.renew(worn)
	}
}

// moved returns who has moved since the last call. QUIC keeps an address until
// there is another, so that it is enough to see whether it is the same one.
func (q *quicServer) moved() (all []moved) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for c, u := range q.conns {
		if to := c.RemoteAddr(); to != u.track.at {
			all = append(all, moved{u, u.track.at, to})
			u.track.at = to
		}
	}
	return all
}

// note logs a move unless there are too many.
func (q *quicServer) note(m moved, kind Move, now time.Time) {
	t := &m.of.track
	if !t.told.IsZero() && now.Sub(t.told) < moveLineEvery || !q.lines.AllowN(now, 1) {
		return
	}
	t.told = now
	q.log.Info("a client has moved", "kind", string(kind), "from", networkOf(m.from), "to", networkOf(m.to), "moves", t.moves)
	q.log.Debug("a client has moved, by address", "from", m.from, "to", m.to)
}

func kindOf(from, to net.Addr) Move {
	if networkOf(from) == networkOf(to) {
		return Rebinding
	}
	return OtherNetwork
}

// networkOf is the network of an address, which says no more than by which line
// a client comes; the zero Prefix for an address that is none of IP.
func networkOf(a net.Addr) netip.Prefix {
	addr := addrOf(a)
	bits := networkBits6
	if addr.Is4() {
		bits = networkBits4
	}
	network, _ := addr.Prefix(bits)
	return network
}

// moveStats returns the moves since the start, and how many feeds were asked to
// come again because of them.
func (q *quicServer) moveStats() (moves map[Move]uint64, renewals uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return maps.Clone(q.moves), q.renewals
}
