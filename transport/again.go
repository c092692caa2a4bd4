package transport

import (
	"net/http"
	"time"
)

// A move uses up one of the connection ids that a client has given, for QUIC is
// to send by another one on another path (RFC 9000, section 9.5). quic-go up to
// 0.64 never gives one back, so the client has none to replace; when there is
// none left the next move is not followed and the connection goes dumb. Clients
// whose ids are empty have nothing to use up. See ADR 12.

// movesBorne is how many moves a connection bears at least whose client has ids:
// quic-go lets it have four, of which the handshake uses one and what follows
// another. A client that replaces the first one bears one move more.
const movesBorne = 2

// comeAgainWithin is what clients are told that they have for coming again. The
// feed they have is not ended: it may well see them through the next move.
const comeAgainWithin = 10 * time.Second

// wears reports whether moves use the connection up, as they do unless more is
// known of the client.
func (u *usage) wears() bool {
	p, ok := u.conn.Context().Value(peerKey{}).(*peer)
	return !ok || p.ids.Load()
}

// renew asks those on worn connections to come again. A connection on which
// nobody follows anything is asked after its next move.
func (q *quicServer) renew(worn map[*usage]int) {
	q.feed.comeAgain(worn)
	for u, asked := range worn {
		u.track.asked = asked > 0
		q.mu.Lock()
		q.renewals += uint64(asked)
		q.mu.Unlock()
	}
}

// comeAgain asks the feeds on these connections to come again over another one,
// here, and counts them. A hub that drains has asked already.
func (f *Feed) comeAgain(on map[*usage]int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.drain.over() {
		return
	}
	for s := range f.sessions {
		if _, asked := on[s.on]; !asked || s.authority == "" {
			continue
		}
		to := []string{"https://" + s.authority}
		s.tell(func(w *word) { w.notice = &notice{to: to} })
		on[s.on]++
	}
}

// carriedBy says which connection a session is on, and by what name its client
// knows the hub, both by a request.
func (f *Feed) carriedBy(s *Session, r *http.Request) {
	u, ok := r.Context().Value(usageKey{}).(*usage)
	if !ok {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s.on, s.authority = u, r.Host
}
