package transport

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"runtime"
	"sync"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// Heads of requests as frames of HTTP/3 with fields of QPACK's static table (RFC
// 9204, appendix A). The library's client opens streams of its own besides,
// while what it has been told of the hub before gives way to what it is told
// now: that is a race in quic-go.
const (
	earlyGet     = "\x01\x10\x00\x00\xd1\xd7\xc1\x50\x09localhost"
	earlyConnect = "\x01\x28\x00\x00\xcf\xd7\xc1\x50\x09localhost\x27\x02:protocol\x0cwebtransport"
)

// earlyClient connects to a server with what it was told on its last connection.
type earlyClient struct {
	t      *testing.T
	server *Server
	tls    *tls.Config
}

// connect dials. With early, streams may be opened before the handshake is
// through, which it is not before hear is called.
func (c *earlyClient) connect(early bool) (conn *quic.Conn, hear func()) {
	c.t.Helper()
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		c.t.Fatal(err)
	}
	held := &deaf{socket, make(chan struct{})}
	hear = sync.OnceFunc(func() { close(held.until) })
	if !early {
		hear()
	}
	tr := &quic.Transport{Conn: held}
	c.t.Cleanup(func() {
		hear()
		_ = conn.CloseWithError(h3NoError, "")
		if err := errors.Join(tr.Close(), socket.Close()); err != nil {
			c.t.Error(err)
		}
	})
	to, err := net.ResolveUDPAddr("udp", c.server.Addr().String())
	if err != nil {
		c.t.Fatal(err)
	}
	conn, err = tr.DialEarly(c.t.Context(), to, c.tls, &quic.Config{EnableDatagrams: true})
	if err != nil {
		c.t.Fatal(err)
	}
	return conn, hear
}

// deaf is a socket that hears nothing until it is told to.
type deaf struct {
	net.PacketConn
	until chan struct{}
}

// ReadFrom implements net.PacketConn.
func (d *deaf) ReadFrom(b []byte) (int, net.Addr, error) {
	<-d.until
	return d.PacketConn.ReadFrom(b)
}

// asked waits until a request is being served on QUIC.
func (c *earlyClient) asked() {
	q := c.server.quic
	for open := 0; open == 0; runtime.Gosched() {
		q.mu.Lock()
		for _, u := range q.conns {
			u.mu.Lock()
			open += u.open
			u.mu.Unlock()
		}
		q.mu.Unlock()
	}
}

// send sends the head of a request.
func (c *earlyClient) send(conn *quic.Conn, head string) *quic.Stream {
	c.t.Helper()
	stream, err := conn.OpenStream()
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := stream.Write([]byte(head)); err != nil {
		c.t.Fatal(err)
	}
	return stream
}

// answered waits for an answer.
func (c *earlyClient) answered(stream *quic.Stream) {
	c.t.Helper()
	if _, err := stream.Read(make([]byte, 1)); err != nil {
		c.t.Fatal(err)
	}
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
	first, _ := c.connect(false)
	c.answered(c.send(first, earlyGet)) // by then the ticket is here
	if !<-complete || first.ConnectionState().Used0RTT {
		t.Fatal("early data on a first connection")
	}

	conn, hear := c.connect(true)
	stream := c.send(conn, earlyGet)
	if <-complete {
		t.Error("a request in early data was served as if it were none")
	}
	hear()
	c.answered(stream)

	conn, hear = c.connect(true)
	stream = c.send(conn, earlyConnect)
	c.asked()
	select {
	case <-complete:
		t.Error("a session began in early data")
	default:
	}
	hear()
	if !<-complete {
		t.Error("a session began before the handshake was through")
	}
	c.answered(stream)
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
