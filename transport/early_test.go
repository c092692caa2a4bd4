package transport

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// earlyClient connects to a server with what it was told on its last connection.
type earlyClient struct {
	t      *testing.T
	server *Server
	tls    *tls.Config
}

// connect dials; request streams may be opened before the handshake is through.
func (c *earlyClient) connect() (*quic.Conn, *http3.RawClientConn) {
	c.t.Helper()
	conn, err := quic.DialAddrEarly(c.t.Context(), c.server.Addr().String(), c.tls, &quic.Config{EnableDatagrams: true})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.CloseWithError(h3NoError, "") })
	h3 := &http3.Transport{EnableDatagrams: true}
	c.t.Cleanup(func() { _ = h3.Close() })
	return conn, h3.NewRawClientConn(conn)
}

// send sends the head of a request.
func (c *earlyClient) send(conn *http3.RawClientConn, method, protocol string) *http3.RequestStream {
	c.t.Helper()
	stream, err := conn.OpenRequestStream(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	at := &url.URL{Scheme: "https", Host: "localhost", Path: "/v1/feed"}
	req := (&http.Request{Method: method, Proto: protocol, URL: at, Host: at.Host, Header: http.Header{}}).WithContext(c.t.Context())
	if err := stream.SendRequestHeader(req); err != nil {
		c.t.Fatal(err)
	}
	return stream
}

// TestEarlySession: a request in early data is served there, and the handler
// may see it by HandshakeComplete; a session that is asked for in early data
// begins when it can be nobody's replay.
func TestEarlySession(t *testing.T) {
	complete := make(chan bool, 1)
	s := servingQUIC(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		complete <- r.TLS.HandshakeComplete
		w.WriteHeader(http.StatusOK)
	}))
	c := &earlyClient{t, s, &tls.Config{
		InsecureSkipVerify: true, ServerName: "localhost", NextProtos: []string{http3.NextProtoH3},
		ClientSessionCache: tls.NewLRUClientSessionCache(1),
	}}
	first, h3 := c.connect()
	stream := c.send(h3, http.MethodGet, "HTTP/3.0")
	if _, err := stream.ReadResponse(); err != nil { // by then the ticket is here
		t.Fatal(err)
	}
	if !<-complete || first.ConnectionState().Used0RTT {
		t.Fatal("early data on a first connection")
	}
	for _, tt := range []struct {
		method, protocol string
		complete         bool
	}{
		{http.MethodGet, "HTTP/3.0", false},
		{http.MethodConnect, "webtransport", true},
	} {
		conn, h3 := c.connect()
		stream := c.send(h3, tt.method, tt.protocol)
		if got := <-complete; got != tt.complete {
			t.Errorf("%s: served with the handshake complete: %v, want %v", tt.method, got, tt.complete)
		}
		if _, err := stream.ReadResponse(); err != nil {
			t.Errorf("%s: %v", tt.method, err)
		}
		if !conn.ConnectionState().Used0RTT {
			t.Errorf("%s: no early data was used", tt.method)
		}
	}
}

// servingQUIC runs a server with HTTP/3 on loopback until the test ends.
func servingQUIC(t *testing.T, h http.Handler) *Server {
	t.Helper()
	cfg := complete(t, ServerConfig{})
	cfg.QUIC = &QUICConfig{TLS: cfg.TLS}
	cfg.Handler = h
	s := NewServer(cfg)
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	running(t, s)
	return s
}
