package transporttest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// halfRequests opens streams on conn whose requests never become complete: no
// byte, a frame's type, a HEADERS frame that announces more than comes, and
// frames of unknown types without an end.
func halfRequests(t *testing.T, conn *quic.Conn) {
	t.Helper()
	for _, begun := range []string{"", "\x01", "\x01\x40\xff\x00\x00", "\x21\xbf\xff\xff\xffgrease", "\x40\x41"} {
		s, err := conn.OpenStreamSync(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write([]byte(begun)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestUnusedConnection: who never completes a request on a QUIC connection is
// let go as soon as on TCP, however much is begun on it and however often the
// client says that it is there; who follows a feed is not.
func TestUnusedConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, webTransport(), setup{pipes: true})
		c := w.client().(*wtFeeds)
		start := time.Now()
		conn, err := c.dialer.dial(t.Context(), "", c.tls, clientQUIC(c.target))
		if err != nil {
			t.Fatal(err)
		}
		halfRequests(t, conn)
		<-conn.Context().Done()
		took := time.Since(start)
		end, ok := errors.AsType[*quic.ApplicationError](context.Cause(conn.Context()))
		if !ok || end.ErrorCode != quic.ApplicationErrorCode(http3.ErrCodeNoError) || !end.Remote {
			t.Errorf("the connection ended with %v", context.Cause(conn.Context()))
		}
		if took > time.Minute {
			t.Errorf("it took %v", took)
		}

		feed, f := w.talk(c, Ask{})
		halfRequests(t, c.conns[0])
		for range 15 { // for five minutes
			until(t, feed, f, func(fr Frame) bool { return fr.Ping })
		}
	})
}
