package transporttest

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
	"github.com/quic-go/webtransport-go"

	"everything.local/event"
	"everything.local/transport"
)

// Codes that streams of a session are reset with (section 9.5 of the draft,
// version 15).
const (
	bufferedStreamRejected = quic.StreamErrorCode(0x3994bd84)
)

// unasked returns a connection to the hub that nothing has been asked on.
func (w *world) unasked(c *wtFeeds) *quic.Conn {
	w.t.Helper()
	conn, err := c.dialer.dial(w.t.Context(), "", c.tls, clientQUIC(c.target))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.CloseWithError(0, "") })
	return conn
}

// strayStream opens a stream of a session that may not be open.
func strayStream(t *testing.T, conn *quic.Conn, session uint64, line string) *quic.Stream {
	t.Helper()
	stream, err := conn.OpenStreamSync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const frameType = 0x41
	preface := quicvarint.Append(quicvarint.Append(nil, frameType), session)
	if _, err := io.WriteString(stream, string(preface)+line); err != nil {
		t.Fatal(err)
	}
	return stream
}

// resetWith waits for a stream to be reset with code.
func resetWith(t *testing.T, stream *quic.Stream, code quic.StreamErrorCode) {
	t.Helper()
	_, err := io.Copy(io.Discard, stream)
	if e, ok := errors.AsType[*quic.StreamError](err); !ok || !e.Remote || e.ErrorCode != code {
		t.Errorf("stream %d ended with %v, want code %#x", stream.StreamID(), err, code)
	}
}

// TestStreamBeforeItsSession: packets come in any order, so a stream may be here
// before the request that opens its session.
func TestStreamBeforeItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, webTransport(), setup{pipes: true})
		c := w.client().(*wtFeeds)
		conn := w.unasked(c)
		early := strayStream(t, conn, 4, `{"topics":"menu"}`+"\n")
		<-time.After(time.Second)
		client, err := c.wt.NewClientConn(conn)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := client.Dial(t.Context(), c.target.URL+"/v1/feed", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := early.Read(make([]byte, 1)); err != nil {
			t.Errorf("the stream got %v", err)
		}
	})
}

// TestStreamsWithoutSession: streams of a session that is never opened wait for
// it, a few of them and for a while; others of the connection do not notice.
func TestStreamsWithoutSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, webTransport(), setup{pipes: true})
		c := w.client().(*wtFeeds)
		feed, f := w.talk(c, Ask{})
		const places, never = 16, 4000
		var strays []*quic.Stream
		for range places {
			strays = append(strays, strayStream(t, c.conns[0], never, ""))
		}
		synctest.Wait()
		start := time.Now()
		resetWith(t, strayStream(t, c.conns[0], never, ""), bufferedStreamRejected)
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("one too many waited for %v", took)
		}
		for _, s := range strays {
			resetWith(t, s, bufferedStreamRejected)
		}
		if took := time.Since(start); took > 6*time.Second {
			t.Errorf("they waited for %v", took)
		}
		untilAt(t, feed, f, w.happen(put(event.Menu, "latte", 1)))
	})
}

// TestNoSession: a stream of a session that there cannot be ends the connection
// (section 4.4 of the draft, version 15).
func TestNoSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, webTransport(), setup{pipes: true})
		conn := w.unasked(w.client().(*wtFeeds))
		strayStream(t, conn, 1, "")
		<-conn.Context().Done()
		end, ok := errors.AsType[*quic.ApplicationError](context.Cause(conn.Context()))
		if !ok || end.ErrorCode != quic.ApplicationErrorCode(http3.ErrCodeIDError) || !end.Remote {
			t.Errorf("the connection ended with %v", context.Cause(conn.Context()))
		}
	})
}

// TestClosedSession: with a session end its streams, those that come late among
// them, and nothing else of its connection.
func TestClosedSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, webTransport(), setup{pipes: true})
		c := w.client().(*wtFeeds)
		w.session(c)
		conn := c.conns[0]
		stream := rawStream(t, conn, `{"topics":"menu"}`+"\n")
		if _, err := stream.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if err := c.session.CloseWithError(7, "enough"); err != nil {
			t.Fatal(err)
		}
		resetWith(t, stream, webtransport.WTSessionGoneErrorCode)
		<-w.ended
		w.closedFor(transport.ClientGone, 1)
		resetWith(t, rawStream(t, conn, ""), webtransport.WTSessionGoneErrorCode)
		if conn.Context().Err() != nil {
			t.Errorf("the connection ended with %v", context.Cause(conn.Context()))
		}
	})
}

// sessionOfSmall opens a session with a client that takes only so many bytes of
// it at a time.
func (w *world) sessionOfSmall(c *wtFeeds, most int64) {
	w.t.Helper()
	c.wt.Config = &webtransport.Config{MaxIncomingStreams: 1, MaxIncomingUniStreams: 1, MaxIncomingData: most}
	w.session(c)
}

// TestLimitOfSession: what a client takes in a session at a time may be less
// than what one frame is long, and the hub waits for it as for QUIC's window.
func TestLimitOfSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, webTransport(), setup{pipes: true})
		at := w.happen(bulk(event.Menu, 20, 4<<10, 0)...)
		c := w.client().(*wtFeeds)
		w.sessionOfSmall(c, 1000)
		f := newFollower(event.Menu)
		untilAt(t, w.follow(c, Ask{Topics: "menu"}), f, at)
		w.holds(f)
	})
}

// TestOverTheLimitOfSession: a client that says that it takes part in the
// draft's flow control, and opens more streams than it may, loses its session.
func TestOverTheLimitOfSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, webTransport(), setup{pipes: true})
		c := w.client().(*wtFeeds)
		s := w.session(c)
		synctest.Wait() // until then streams wait for it, of which one too many is refused
		for range 17 {
			rawStream(t, c.conns[0], "{")
		}
		<-s.Context().Done()
		_, err := s.AcceptStream(t.Context())
		if e, ok := errors.AsType[*webtransport.SessionError](err); ok {
			t.Errorf("the session ended in order: %v", e)
		}
	})
}

// TestMuchToSay: what a client says in a session may be more than its window.
func TestMuchToSay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, webTransport(), setup{pipes: true})
		s, f := w.talk(w.client(), Ask{})
		ping := `{"ping":true` + strings.Repeat(" ", 8000) + "}"
		for range 100 { // three windows
			if err := s.Say(ping); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Second / 5)
		}
		untilAt(t, s, f, w.happen(put(event.Menu, "latte", 1)))
	})
}

// TestHeadsThatNeverEnd: on a connection that is in use, too, a request has to
// become whole within the time that one on TCP has.
func TestHeadsThatNeverEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, webTransport(), setup{pipes: true})
		c := w.client().(*wtFeeds)
		feed, f := w.talk(c, Ask{})
		start := time.Now()
		for _, begun := range []string{"\x01", "\x01\x40\xff\x00\x00", "\x21\xbf\xff\xff\xffgrease", "\x40\x41", "\x40"} {
			s, err := c.conns[0].OpenStreamSync(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(s, begun); err != nil {
				t.Fatal(err)
			}
			_, err = s.Read(make([]byte, 1))
			if e, ok := errors.AsType[*quic.StreamError](err); !ok || !e.Remote {
				t.Errorf("%q ended with %v", begun, err)
			}
			if took := time.Since(start); took < 10*time.Second || took > 11*time.Second {
				t.Errorf("%q ended after %v", begun, took)
			}
			start = time.Now()
		}
		untilAt(t, feed, f, w.happen(put(event.Menu, "latte", 1)))
	})
}
