package transporttest

import (
	"bufio"
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
	"unicode/utf8"

	"everything.local/transport"
)

// WebSocketWay is the way of WebSocket, over HTTP/1.1.
func WebSocketWay(upgrade func() transport.Upgrade) Way {
	return Way{Name: "ws/h1", Upgrade: upgrade, Connect: func(at Target) Client { return &wsFeeds{target: at} }}
}

// wsFeeds is a Client with a connection for each feed.
type wsFeeds struct {
	target Target

	mu    sync.Mutex
	conns []net.Conn
}

// Follow implements Client.
func (c *wsFeeds) Follow(ctx context.Context, ask Ask) (Stream, error) {
	conn, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	s := &wsStream{conn: conn, r: bufio.NewReader(conn), unfinished: ask.Unfinished}
	if err := s.shakeHands(c.target.URL, ask.Extra); err != nil {
		_ = conn.Close()
		return nil, err
	}
	line := appendClientFrame(nil, wsText, ask.subscription())
	if ask.Unfinished {
		line = line[:len(line)-1]
	}
	if _, err := conn.Write(line); err != nil {
		return nil, err
	}
	return opened(s)
}

func (c *wsFeeds) connect(ctx context.Context) (*tls.Conn, error) {
	to, err := url.Parse(c.target.URL)
	if err != nil {
		return nil, err
	}
	raw, err := c.target.Dial(ctx, "tcp", to.Host)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.conns = append(c.conns, raw)
	c.mu.Unlock()
	conn := tls.Client(raw, &tls.Config{RootCAs: c.target.Roots, ServerName: to.Hostname(), NextProtos: []string{"http/1.1"}})
	return conn, conn.HandshakeContext(ctx)
}

// Close implements Client.
func (c *wsFeeds) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close() // the hub may have been first
	}
}

// Vanish implements Client.
func (c *wsFeeds) Vanish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		vanish(conn)
	}
}

// wsStream is the Talker of one connection.
type wsStream struct {
	conn *tls.Conn
	r    *bufio.Reader
	// unfinished says that the first message was not sent to its end.
	unfinished bool
	// away and failed say that a goaway and an error have come.
	away, failed bool
}

// shakeHands opens the WebSocket (RFC 6455, section 4.1).
func (s *wsStream) shakeHands(hub, query string) error {
	if query != "" {
		query = "?" + query
	}
	req, err := http.NewRequest(http.MethodGet, hub+"/v1/feed"+query, nil)
	if err != nil {
		return err
	}
	var nonce [16]byte
	binary.BigEndian.PutUint64(nonce[:], rand.Uint64())
	key := base64.StdEncoding.EncodeToString(nonce[:])
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key,
	} {
		req.Header.Set(name, value)
	}
	if err := req.Write(s.conn); err != nil {
		return err
	}
	resp, err := http.ReadResponse(s.r, req)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return refusal(resp)
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	want := http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-Websocket-Accept": {base64.StdEncoding.EncodeToString(sum[:])},
	}
	if fmt.Sprint(resp.Header) != fmt.Sprint(want) {
		return fmt.Errorf("the handshake is answered with %v, want %v", resp.Header, want)
	}
	return nil
}

// Next implements Stream. The feed's end is a close frame with the code that
// goes with what came before it.
func (s *wsStream) Next() (Frame, error) {
	f, err := ReadWebSocket(s.r)
	if err == nil {
		s.away = s.away || f.Goaway != nil
		s.failed = f.Error != nil
		return f, nil
	}
	closed, ok := errors.AsType[*wsClosed](err)
	if !ok {
		return f, err
	}
	if !s.fits(closed.code) {
		return f, fmt.Errorf("%w, which nothing before it explains", err)
	}
	if _, err := s.conn.Write(appendClientFrame(nil, wsClose, closed.payload)); err != nil {
		return f, err
	}
	if s.unfinished {
		_ = s.conn.CloseWrite() // within a message nothing else is an end
	}
	if _, err := s.r.ReadByte(); !errors.Is(err, io.EOF) {
		return f, fmt.Errorf("after the closing handshake: %w", err)
	}
	return f, io.EOF
}

// fits reports whether the hub may close with the code now.
func (s *wsStream) fits(code uint16) bool {
	switch code {
	case 1001:
		return s.away
	case 1002, 1003, 1007, 1008, 1009:
		return s.failed
	}
	return false
}

// Say implements Talker.
func (s *wsStream) Say(line string) error {
	_, err := s.conn.Write(appendClientFrame(nil, wsText, line))
	return err
}

// Close leaves the feed: it says so, and waits for nothing.
func (s *wsStream) Close() {
	_ = s.conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = s.conn.Write(appendClientFrame(nil, wsClose, "\x03\xe8")) // the hub may have been first
	_ = s.conn.NetConn().Close()
}

// Opcodes of RFC 6455, section 5.2.
const (
	wsText  = 1
	wsClose = 8
)

// appendClientFrame appends a frame that is masked as a client's must be.
func appendClientFrame(dst []byte, op byte, payload string) []byte {
	const fin, masked = 0x80, 0x80
	dst = append(dst, fin|op)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, masked|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, masked|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, masked|127), uint64(n))
	}
	var mask [4]byte
	binary.BigEndian.PutUint32(mask[:], rand.Uint32())
	dst = append(dst, mask[:]...)
	for i := range len(payload) {
		dst = append(dst, payload[i]^mask[i%4])
	}
	return dst
}

// wsClosed is a close frame.
type wsClosed struct {
	code    uint16
	payload string
}

// Error makes *wsClosed an error.
func (c *wsClosed) Error() string { return fmt.Sprintf("closed with %q", c.payload) }

// ReadWebSocket reads a text message of one frame, as the hub sends them, or
// the close frame, which is an error.
func ReadWebSocket(r *bufio.Reader) (Frame, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return Frame{}, err
	}
	const finText, finClose = 0x80 | wsText, 0x80 | wsClose
	if head[0] != finText && head[0] != finClose {
		return Frame{}, fmt.Errorf("a frame that begins with % x", head)
	}
	n, err := readLength(r, head[1])
	if err != nil {
		return Frame{}, torn(err)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return Frame{}, torn(err)
	}
	if head[0] == finClose {
		if n < 2 || n > 125 || !utf8.Valid(b[2:]) {
			return Frame{}, fmt.Errorf("a close frame of %q", b)
		}
		return Frame{}, &wsClosed{binary.BigEndian.Uint16(b), string(b)}
	}
	return parse(string(b))
}

// readLength reads the rest of a length that begins with first. It must be
// written in the shortest form, and not be a client's.
func readLength(r io.Reader, first byte) (uint64, error) {
	var err error
	n, least := uint64(first), uint64(0)
	switch first {
	case 126:
		var b [2]byte
		_, err = io.ReadFull(r, b[:])
		n, least = uint64(binary.BigEndian.Uint16(b[:])), 126
	case 127:
		var b [8]byte
		_, err = io.ReadFull(r, b[:])
		n, least = binary.BigEndian.Uint64(b[:]), 1<<16
	}
	const most = 1 << 30 // a test's frames are shorter
	if err == nil && (first > 127 || n < least || n > most) {
		err = fmt.Errorf("a frame's length of %d that begins with %#x", n, first)
	}
	return n, err
}
