package feed

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// headBuffer is what an answer's head is read through.
const headBuffer = 2 << 10

// dialTCP opens a TLS connection for HTTP/1.1.
func (d *Dialer) dialTCP(ctx context.Context, a Ask) (*tls.Conn, error) {
	dialer := net.Dialer{}
	if from := a.Memory.source(&d.sources); from.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	c, err := dialer.DialContext(ctx, "tcp", d.config.Addr)
	if err != nil {
		return nil, err
	}
	if a.ReadBuffer > 0 {
		if err := c.(*net.TCPConn).SetReadBuffer(a.ReadBuffer); err != nil {
			_ = c.Close()
			return nil, err
		}
	}
	conn := tls.Client(c, a.Memory.tls(d.config.TLS, "http/1.1"))
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return conn, nil
}

// get is a feed that answers GET.
type get struct {
	lineFrames

	conn *tls.Conn
}

func dialGet(ctx context.Context, d *Dialer, a Ask, sse bool) (Stream, error) {
	conn, err := d.dialTCP(ctx, a)
	if err != nil {
		return nil, err
	}
	accept := "application/x-ndjson"
	if sse {
		accept = "text/event-stream"
	}
	head := "GET " + a.query() + " HTTP/1.1\r\nHost: " + d.config.Host + "\r\nAccept: " + accept + "\r\n"
	if a.Token != "" {
		head += "Authorization: Bearer " + a.Token + "\r\n"
	}
	answer, _, err := exchange(ctx, conn, head+"\r\n")
	if err == nil && answer.StatusCode != http.StatusOK {
		err = refusal(answer)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &get{lineFrames{newWindow(answer.Body), sse}, conn}, nil
}

// exchange sends a request and reads the head of its answer. The answer's body
// is chunked, or ends with the connection, as its head says.
func exchange(ctx context.Context, conn net.Conn, request string) (*http.Response, *bufio.Reader, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if _, err := io.WriteString(conn, request); err != nil {
		return nil, nil, err
	}
	r := bufio.NewReaderSize(conn, headBuffer)
	answer, err := http.ReadResponse(r, nil)
	return answer, r, err
}

// refusal is what an answer says went wrong.
func refusal(answer *http.Response) error {
	const enough = 1 << 10
	b, _ := io.ReadAll(io.LimitReader(answer.Body, enough))
	return fmt.Errorf("the hub refused the feed: %s: %s", answer.Status, strings.TrimSpace(string(b)))
}

// Close implements Stream.
func (g *get) Close() { _ = g.conn.NetConn().Close() }
