package transporttest

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"everything.local/event"
	"everything.local/transport"
	"everything.local/transport/ndjson"
)

// TestBrokenOffOnHTTP3: a feed that ends within a frame of HTTP/3 ends with a
// reset. After an end in order the client would have to give up the connection
// (RFC 9114, section 7.1), and with it whatever else it has open there.
func TestBrokenOffOnHTTP3(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		way := HTTPWays(ndjson.Wire{}, ReadNDJSON)[2]
		w := newWorld(t, way, setup{pipes: true})
		d := &quicDialer{target: w.target}
		t.Cleanup(d.close)
		trust := &tls.Config{RootCAs: w.target.Roots, ServerName: "localhost", NextProtos: []string{http3.NextProtoH3}}
		conn, err := d.dial(t.Context(), "", trust, clientQUIC(w.target))
		if err != nil {
			t.Fatal(err)
		}
		body := get(t, conn, w.target.URL+"/v1/feed?topics=menu")
		for round := range 5 {
			w.happen(bulk(event.Menu, 40, 1<<10, round)...)
		}
		<-w.ended
		w.closedFor(transport.Stalled, 1)
		n, err := io.Copy(io.Discard, body)
		if e, ok := errors.AsType[*http3.Error](err); !ok || !e.Remote {
			t.Errorf("after %d bytes the feed ended with %v, want a reset", n, err)
		}
	})
}

// get asks for url and returns the body, of which nothing is read.
func get(t *testing.T, conn *quic.Conn, url string) io.Reader {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := new(http3.Transport).NewClientConn(conn).OpenRequestStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.SendRequestHeader(req); err != nil {
		t.Fatal(err)
	}
	if resp, err := stream.ReadResponse(); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("got %v, %v", resp, err)
	}
	return stream
}
