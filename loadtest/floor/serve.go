package floor

import (
	"bufio"
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"everything.local/loadtest/meter"
)

// Order is a line that tells the server what to write.
type Order struct {
	// Frame is what a message looks like; Mark in it stands for its number.
	Frame string
	// Count messages, numbered from From on, at Rate a second from StartNS, in
	// Unix nanoseconds; with Rate 0 one after the other without a pause.
	From    int
	Count   int
	Rate    float64
	StartNS int64
	// Drop has the server forget its connections first: who left unseen would
	// still be written to once.
	Drop bool
}

// Mark stands for the message's number in a frame, in as many digits.
const Mark = "########"

// Hello is the server's first line: where it listens and whom to trust.
type Hello struct {
	Addr string
	CA   []byte
}

// Done is a line that says that an order was carried out.
type Done struct {
	Writes int
	TookNS int64
	Failed string
}

// server is the bare loop and its connections.
type server struct {
	mu    sync.Mutex
	conns []conn
}

type conn struct {
	*tls.Conn

	// ws says that messages are framed as RFC 6455 has it, else as SSE.
	ws bool
}

// Serve takes connections and orders until in ends.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	cert, ca, err := certificate()
	if err != nil {
		return err
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}})
	if err != nil {
		return err
	}
	s := &server{}
	var accepting sync.WaitGroup
	accepting.Go(func() { s.accept(ln) })
	defer func() {
		_ = ln.Close()
		accepting.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.drop()
	}()
	answers := json.NewEncoder(out)
	if err := answers.Encode(Hello{ln.Addr().String(), ca}); err != nil {
		return err
	}
	for orders := json.NewDecoder(in); ; {
		var o Order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := answers.Encode(s.carryOut(ctx, o)); err != nil {
			return err
		}
	}
}

// accept lets everybody in who asks for a feed.
func (s *server) accept(ln net.Listener) {
	var greeting sync.WaitGroup
	defer greeting.Wait()
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		greeting.Go(func() {
			if err := s.greet(c.(*tls.Conn)); err != nil {
				_ = c.Close()
			}
		})
	}
}

// greetWithin bounds a handshake and its request.
const greetWithin = 30 * time.Second

func (s *server) greet(c *tls.Conn) error {
	if err := c.SetDeadline(time.Now().Add(greetWithin)); err != nil {
		return err
	}
	r, err := http.ReadRequest(bufio.NewReaderSize(c, 2<<10))
	if err != nil {
		return err
	}
	if r.URL.Path == echoPath {
		if err := c.SetDeadline(time.Time{}); err != nil {
			return err
		}
		echo(c)
		return nil
	}
	ws := r.Header.Get("Upgrade") != ""
	head := "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
	if ws {
		head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + acceptKey(r.Header.Get("Sec-WebSocket-Key")) + "\r\n\r\n"
	}
	if _, err := io.WriteString(c, head); err != nil {
		return err
	}
	_ = c.SetDeadline(time.Time{})
	// Who is told that they are live is written to from then on.
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := write(c, ws, []byte(`{"live":true,"cursor":"floor.1"}`)); err != nil {
		return err
	}
	s.conns = append(s.conns, conn{c, ws})
	return nil
}

// acceptKey answers a WebSocket's key (RFC 6455, section 4.2.2).
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// carryOut is the bare loop. Who has left is dropped.
func (s *server) carryOut(ctx context.Context, o Order) (d Done) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.Drop {
		s.drop()
	}
	began := time.Now()
	send := func(n int, _ time.Time) {
		frame := number(o.Frame, o.From+n)
		ws, sse := frameWS(frame), frameSSE(frame)
		kept := s.conns[:0]
		for _, c := range s.conns {
			b := sse
			if c.ws {
				b = ws
			}
			if _, err := c.Write(b); err != nil {
				_ = c.Close()
				continue
			}
			d.Writes++
			kept = append(kept, c)
		}
		s.conns = kept
	}
	if o.Rate == 0 {
		for n := range o.Count {
			send(n, began)
		}
	} else if err := meter.Pace(ctx, time.Unix(0, o.StartNS), o.Rate, o.Count, send); err != nil {
		d.Failed = err.Error()
	}
	d.TookNS = int64(time.Since(began))
	return d
}

// drop closes all connections; s.mu is held.
func (s *server) drop() {
	for _, c := range s.conns {
		_ = c.NetConn().Close() // nobody reads a farewell
	}
	s.conns = nil
}

// number writes n where the frame has Marks.
func number(frame string, n int) []byte {
	b := []byte(frame)
	digits := fmt.Appendf(nil, "%0*d", len(Mark), n)
	for i := 0; i+len(Mark) <= len(b); i++ {
		if string(b[i:i+len(Mark)]) == Mark {
			copy(b[i:], digits)
		}
	}
	return b
}
