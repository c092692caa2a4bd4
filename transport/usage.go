package transport

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
)

// usage knows whether a QUIC connection serves a request, and closes it when it
// has served none for the idle timeout: what else a client sends, requests that
// never become whole among it, keeps a connection from falling idle by itself.
type usage struct {
	conn *quic.Conn
	// streams takes those of the extension, nil for none.
	streams Streams
	// serving counts the goroutines of its streams, and requests that stay.
	serving sync.WaitGroup
	// idle runs while no request is served.
	idle *time.Timer
	// track is where its client is.
	track track

	mu   sync.Mutex
	open int // requests, and sessions
}

// newUsage begins with a connection that is unused.
func newUsage(c *quic.Conn) *usage {
	u := &usage{conn: c, track: track{at: c.RemoteAddr()}}
	u.idle = time.AfterFunc(idleTimeout, u.closeUnused)
	return u
}

// begin and end are called around each request, on a goroutine of a stream.
func (u *usage) begin() {
	u.serving.Add(1)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.open++
	u.idle.Stop()
}

func (u *usage) end() {
	defer u.serving.Done()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.open--; u.open == 0 {
		u.idle.Reset(idleTimeout)
	}
}

// closeUnused closes the connection if it serves no request.
func (u *usage) closeUnused() {
	u.mu.Lock()
	unused := u.open == 0
	u.mu.Unlock()
	if unused {
		_ = u.conn.CloseWithError(h3NoError, "")
	}
}

// closeUnused closes the connections that serve no request.
func (q *quicServer) closeUnused() {
	q.mu.Lock()
	all := slices.Collect(maps.Values(q.conns))
	q.mu.Unlock()
	for _, u := range all {
		u.closeUnused()
	}
}

type usageKey struct{}

// withUsage is an http3.Server's ConnContext.
func (q *quicServer) withUsage(ctx context.Context, c *quic.Conn) context.Context {
	q.mu.Lock()
	defer q.mu.Unlock()
	return context.WithValue(ctx, usageKey{}, q.conns[c])
}

// timed gives requests the time that those over TCP have; a feed and a session
// lift the write deadline for themselves. A session, which has no end to wait
// for, begins only when the handshake is through: in early data it could be
// somebody's replay (RFC 8470, section 3).
func timed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := r.Context().Value(usageKey{}).(*usage)
		u.begin()
		r, stay := withStay(r)
		defer stay.leave(u.end)
		now := time.Now()
		rc := http.NewResponseController(w) // HTTP/3 streams have both deadlines
		_ = rc.SetWriteDeadline(now.Add(writeTimeout))
		if r.Method == http.MethodConnect {
			select {
			case <-u.conn.HandshakeComplete():
			case <-r.Context().Done():
				return
			}
			state := u.conn.ConnectionState().TLS
			r.TLS = &state
			_ = rc.SetReadDeadline(time.Time{}) // the head is whole
			next.ServeHTTP(w, r)
			return
		}
		_ = rc.SetReadDeadline(now.Add(readTimeout))
		answer := &unbroken{ResponseWriter: w}
		next.ServeHTTP(answer, r)
		answer.end()
	})
}
