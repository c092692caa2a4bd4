package floor

import (
	"context"
	"crypto/tls"
	"io"
	"time"
)

// echoPath asks the server to send back what it is sent.
const echoPath = "/echo"

// echoSize is what goes there and back: a small frame.
const echoSize = 200

// echo answers until the other side leaves.
func echo(c *tls.Conn) {
	defer c.Close()
	b := make([]byte, echoSize)
	for {
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		if _, err := c.Write(b); err != nil {
			return
		}
	}
}

// Echo is a connection to measure round trips on.
type Echo struct {
	conn *tls.Conn
	buf  []byte
}

// Echo opens one.
func (p *Process) Echo(ctx context.Context) (*Echo, error) {
	c, err := (&tls.Dialer{Config: p.TLS}).DialContext(ctx, "tcp", p.Addr)
	if err != nil {
		return nil, err
	}
	e := &Echo{c.(*tls.Conn), make([]byte, echoSize)}
	if _, err := io.WriteString(c, "GET "+echoPath+" HTTP/1.1\r\nHost: floor\r\n\r\n"); err != nil {
		_ = c.Close()
		return nil, err
	}
	return e, nil
}

// Trip makes one round trip over TLS.
func (e *Echo) Trip() (time.Duration, error) {
	began := time.Now()
	if err := e.conn.SetDeadline(began.Add(greetWithin)); err != nil {
		return 0, err
	}
	if _, err := e.conn.Write(e.buf); err != nil {
		return 0, err
	}
	_, err := io.ReadFull(e.conn, e.buf)
	return time.Since(began), err
}

// Close ends it.
func (e *Echo) Close() { _ = e.conn.Close() }
