package transporttest

import (
	"io"
	"testing"
	"time"

	"github.com/quic-go/quic-go/quicvarint"

	"everything.local/event"
)

// FuzzPreface opens streams that begin with anything on a connection that has a
// WebTransport session: what says that a stream is one of a session's, of
// which, and its first line. Whatever comes, the hub answers or hangs up, and
// serves the others.
func FuzzPreface(f *testing.F) {
	for _, seed := range [][]byte{
		preface(0, "{\"topics\":\"menu\"}\n"), // the session's
		preface(0, "{\"topics\":\"cellar\"}"),
		preface(4, "{\"topics\":\"menu\"}\n"), // of no session
		preface(1, ""), preface(3, "x"),       // of none that can be
		preface(1<<62-1, ""),
		{0x40},
		{0x40, 0x41},
		{0x40, 0x41, 0xff},
		{0x01, 0x00},
		{0x00},
		{},
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newWorld(t, webTransport(), setup{})
		witness, follower := w.talk(w.client(), Ask{})
		w.knock(b)
		untilAt(t, witness, follower, w.happen(put(event.Menu, "latte", 1)))
	})
}

// preface is how a stream of a session begins (draft-ietf-webtrans-http3,
// section 4.3), and a line.
func preface(session uint64, line string) []byte {
	const webTransportStream = 0x41
	return append(quicvarint.Append(quicvarint.Append(nil, webTransportStream), session), line...)
}

// knock opens a stream that begins with b on a connection that has a session,
// whose id is 0 as the first request's, and waits for what comes of it.
func (w *world) knock(b []byte) {
	w.t.Helper()
	c := w.client().(*wtFeeds)
	w.session(c)
	stream, err := c.conns[0].OpenStreamSync(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := stream.Write(b); err == nil {
		_ = stream.Close() // else the hub has hung up already
	}
	// What is kept for a session that may still come is not answered.
	const patience = 200 * time.Millisecond
	_ = stream.SetReadDeadline(time.Now().Add(patience)) // else the read fails
	_, err = io.Copy(io.Discard, stream)
	w.t.Logf("%.80q ended with %v", b, err)
}
