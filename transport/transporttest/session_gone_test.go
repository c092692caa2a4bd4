package transporttest

import (
	"testing"
	"testing/synctest"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/webtransport-go"

	"everything.local/transport"
)

// TestStreamSaidToBeGone: a client that closes a session resets its streams with
// the word that the session is gone. The hub must not wait for that to come
// true: it may come later than the end of the feed, or never.
func TestStreamSaidToBeGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, webTransport(), setup{pipes: true})
		c := w.client().(*wtFeeds)
		w.session(c)
		stream := rawStream(t, c.conns[0], `{"topics":"menu"}`+"\n")
		if _, err := stream.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		stream.CancelWrite(webtransport.WTSessionGoneErrorCode)
		stream.CancelRead(webtransport.WTSessionGoneErrorCode)
		<-w.ended
		w.closedFor(transport.ClientGone, 1)
		_ = c.conns[0].CloseWithError(0, "")
		synctest.Wait()
		if n := w.server.Stats().QUIC; n != 0 {
			t.Errorf("%d connections are not done with", n)
		}
	})
}

// rawStream opens a stream of a connection's first session, beside the library,
// and writes line on it.
func rawStream(t *testing.T, conn *quic.Conn, line string) *quic.Stream {
	t.Helper()
	return strayStream(t, conn, 0, line)
}
