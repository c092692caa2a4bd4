package transporttest

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"
	"github.com/quic-go/webtransport-go"

	"everything.local/event"
	"everything.local/transport"
	"everything.local/transport/wt"
)

func webTransport() Way {
	return WebTransportWay(func() transport.Upgrade { return wt.New() })
}

// session opens a WebTransport session beside the client's own way.
func (w *world) session(c *wtFeeds) *webtransport.Session {
	w.t.Helper()
	s, err := c.connected(w.t.Context(), Ask{})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// TestSettings pins the SETTINGS frame (RFC 9114, section 7.2.4). Safari
// refuses a session unless all three limits are in it; the rest are the
// versions of the draft that clients in the field look for.
func TestSettings(t *testing.T) {
	w := newWorld(t, webTransport(), setup{})
	c := w.client().(*wtFeeds)
	conn, err := c.dialer.dial(t.Context(), "", c.tls, clientQUIC(c.target))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseWithError(0, "") }()
	want := map[uint64]uint64{
		0x06:       64 << 10,  // SETTINGS_MAX_FIELD_SECTION_SIZE
		0x08:       1,         // SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 9220)
		0x33:       1,         // SETTINGS_H3_DATAGRAM (RFC 9297)
		0x2b603742: 1,         // ENABLE_WEBTRANSPORT, draft 02 to 06
		0x14e9cd29: 1<<62 - 1, // WT_MAX_SESSIONS
		0x2c7cf000: 1,         // WT_ENABLED
		0x2b61:     256 << 10, // WT_INITIAL_MAX_DATA
		0x2b64:     16,        // WT_INITIAL_MAX_STREAMS_UNI
		0x2b65:     16,        // WT_INITIAL_MAX_STREAMS_BIDI
	}
	if diff := cmp.Diff(want, readSettings(t, conn)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// readSettings reads the frame that opens the hub's control stream.
func readSettings(t *testing.T, conn *quic.Conn) map[uint64]uint64 {
	t.Helper()
	const controlStream, settingsFrame = 0x00, 0x04
	for {
		stream, err := conn.AcceptUniStream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r := quicvarint.NewReader(stream)
		if typ, err := quicvarint.Read(r); err != nil || typ != controlStream {
			continue // QPACK's
		}
		var head [2]uint64
		for i := range head {
			if head[i], err = quicvarint.Read(r); err != nil {
				t.Fatal(err)
			}
		}
		if head[0] != settingsFrame {
			t.Fatalf("the first frame is of type %#x", head[0])
		}
		body := quicvarint.NewReader(io.LimitReader(r, int64(head[1])))
		settings := make(map[uint64]uint64)
		for {
			id, err := quicvarint.Read(body)
			if errors.Is(err, io.EOF) {
				return settings
			}
			if settings[id], err = quicvarint.Read(body); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestSessionWithoutStreams: who opens a session and follows nothing in it, or
// nothing more, is let go after a while; who follows is not.
func TestSessionWithoutStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, webTransport(), setup{pipes: true})
		c := w.client().(*wtFeeds)
		start := time.Now()
		s := w.session(c)
		<-s.Context().Done()
		if took := time.Since(start); took != transport.SubscribeTimeout {
			t.Errorf("the session ended after %v", took)
		}

		feed, f := w.talk(c, Ask{})
		s = w.session(c)
		for range 3 { // for a minute
			until(t, feed, f, func(fr Frame) bool { return fr.Ping })
		}
		if err := s.Context().Err(); err != nil {
			t.Fatalf("the session of a feed ended: %v", err)
		}
		feed.Close()
		start = time.Now()
		<-s.Context().Done()
		if took := time.Since(start); took < transport.SubscribeTimeout || took > transport.SubscribeTimeout+time.Second {
			t.Errorf("the session ended %v after its last feed", took)
		}
	})
}

// TestHalfClosed: a client that has said all it will ever say goes on listening.
func TestHalfClosed(t *testing.T) {
	w := newWorld(t, webTransport(), setup{})
	s, f := w.talk(w.client(), Ask{})
	if err := s.(*begun).Talker.(*wtStream).stream.Close(); err != nil {
		t.Fatal(err)
	}
	untilAt(t, s, f, w.happen(put(event.Menu, "latte", 1)))
}

// TestBesideTheFeeds: unidirectional streams are refused and datagrams ignored,
// more streams than a session may have wait, and none of it ends a feed.
func TestBesideTheFeeds(t *testing.T) {
	w := newWorld(t, webTransport(), setup{})
	c := w.client().(*wtFeeds)
	s, f := w.talk(c, Ask{})
	session := w.session(c)
	for range 100 {
		if err := session.SendDatagram([]byte("a heartbeat of twenty bytes")); err != nil {
			t.Fatal(err)
		}
	}
	uni, err := session.OpenUniStreamSync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for err == nil { // until the hub's refusal is here
		_, err = uni.Write([]byte("anybody there?"))
	}
	if e, ok := errors.AsType[*webtransport.StreamError](err); !ok || !e.Remote {
		t.Errorf("a unidirectional stream ended with %v", err)
	}
	const more = 15 // beside the feed
	for range more {
		w.talk(c, Ask{})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := session.OpenStreamSync(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a stream too many: %v", err)
	}
	untilAt(t, s, f, w.happen(put(event.Menu, "latte", 1)))
}

// TestManyShortStreams: a session goes on for longer than the streams it may
// have at once.
func TestManyShortStreams(t *testing.T) {
	w := newWorld(t, webTransport(), setup{})
	c := w.client().(*wtFeeds)
	first := w.session(c)
	for range 200 {
		s, _ := w.talk(c, Ask{Token: barista})
		s.Close()
		w.awaitEnd(barista)
	}
	if w.session(c) != first {
		t.Error("the session did not last")
	}
}

// TestSeveralSessions shares one connection between two sessions.
func TestSeveralSessions(t *testing.T) {
	w := newWorld(t, webTransport(), setup{})
	c := w.client().(*wtFeeds)
	conn, err := c.dialer.dial(t.Context(), "", c.tls, clientQUIC(c.target))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseWithError(0, "") }()
	client, err := c.wt.NewClientConn(conn)
	if err != nil {
		t.Fatal(err)
	}
	at := w.happen(put(event.Menu, "latte", 1))
	for range 2 {
		resp, session, err := client.Dial(t.Context(), c.target.URL+"/v1/feed", nil)
		if err != nil {
			t.Fatalf("%v: %v", resp, err)
		}
		one := &wtFeeds{target: c.target, session: session}
		f := newFollower(event.Menu)
		s, err := one.Follow(t.Context(), Ask{Topics: "menu"})
		if err != nil {
			t.Fatal(err)
		}
		untilAt(t, s, f, at)
		s.Close()
	}
}

// TestUnusedSessionsDrain: a hub that stops does not wait for sessions in which
// nothing is followed.
func TestUnusedSessionsDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, webTransport(), setup{pipes: true, server: transport.ServerConfig{DrainWindow: time.Second}})
		s := w.session(w.client().(*wtFeeds))
		start := time.Now()
		w.stop()
		<-s.Context().Done()
		<-w.done
		if took := time.Since(start); took > time.Second {
			t.Errorf("the drain took %v", took)
		}
	})
}
