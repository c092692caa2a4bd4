package transporttest

import (
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"everything.local/event"
)

// plain returns a client of HTTP/3 on a new connection, which takes no part in
// flow control for sessions.
func (w *world) plain(c *wtFeeds) (*http3.ClientConn, *quic.Conn) {
	w.t.Helper()
	conn := w.unasked(c)
	client := (&http3.Transport{EnableDatagrams: true}).NewClientConn(conn)
	<-client.ReceivedSettings()
	return client, conn
}

// connect asks for a session, as a browser does.
func (w *world) connect(client *http3.ClientConn) (*http3.RequestStream, *http.Response) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodConnect, w.target.URL+"/v1/feed", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Proto = "webtransport"
	stream, err := client.OpenRequestStream(w.t.Context())
	if err == nil {
		err = stream.SendRequestHeader(req)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := stream.ReadResponse()
	if err != nil {
		w.t.Fatal(err)
	}
	return stream, resp
}

// TestSessionsWithoutFlowControl: there is one at a time on a connection (section
// 5 of the draft, version 15).
func TestSessionsWithoutFlowControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, webTransport(), setup{pipes: true})
		client, _ := w.plain(w.client().(*wtFeeds))
		first, resp := w.connect(client)
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("the first got %d", resp.StatusCode)
		}
		if _, resp := w.connect(client); resp.StatusCode != http.StatusTooManyRequests {
			t.Errorf("the second got %d", resp.StatusCode)
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, resp := w.connect(client); resp.StatusCode != http.StatusOK {
			t.Errorf("the next got %d", resp.StatusCode)
		}
	})
}

// TestSessionIsAskedToEnd: a hub that stops says so to clients of sessions, too,
// and then that it ended them in order.
func TestSessionIsAskedToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, webTransport(), setup{pipes: true})
		client, conn := w.plain(w.client().(*wtFeeds))
		session, _ := w.connect(client)
		feed := strayStream(t, conn, uint64(session.StreamID()), `{"topics":"menu"}`+"\n")
		if _, err := feed.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		w.stop()
		said, err := io.ReadAll(session)
		want := []byte{0x80, 0, 0x78, 0xae, 0, 0x68, 0x43, 4, 0, 0, 0, 0} // WT_DRAIN_SESSION, WT_CLOSE_SESSION
		if diff := cmp.Diff(want, said); err != nil || diff != "" {
			t.Errorf("%v (-want +said):\n%s", err, diff)
		}
		<-w.done
	})
}

// TestMalformedCapsule ends its session, and nothing else of its connection.
func TestMalformedCapsule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, webTransport(), setup{pipes: true})
		c := w.client().(*wtFeeds)
		s, f := w.talk(c, Ask{})
		client, _ := w.plain(c)
		session, _ := w.connect(client)
		if _, err := session.Write([]byte{0x99, 0x0b, 0x4d, 0x3d, 2, 1, 1}); err != nil { // WT_MAX_DATA, and a byte more
			t.Fatal(err)
		}
		_, err := io.ReadAll(session)
		if e, ok := errors.AsType[*http3.Error](err); !ok || !e.Remote || e.ErrorCode != http3.ErrCodeDatagramError {
			t.Errorf("the session ended with %v", err)
		}
		if _, resp := w.connect(client); resp.StatusCode != http.StatusOK {
			t.Errorf("the next session got %d", resp.StatusCode)
		}
		untilAt(t, s, f, w.happen(put(event.Menu, "latte", 1)))
	})
}
