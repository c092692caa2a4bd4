package feed

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// The opcodes of RFC 6455, section 5.2, that a hub uses.
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

var errWebSocket = errors.New("this is no frame of a hub's WebSocket")

// webSocket is a feed on a WebSocket.
type webSocket struct {
	window

	conn    *tls.Conn
	sending sync.Mutex
}

func dialWS(ctx context.Context, d *Dialer, a Ask) (Stream, error) {
	conn, err := d.dialTCP(ctx, a)
	if err != nil {
		return nil, err
	}
	s, err := upgrade(ctx, conn, d.config.Host, a)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

func upgrade(ctx context.Context, conn *tls.Conn, host string, a Ask) (*webSocket, error) {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails
	head := "GET /v1/feed HTTP/1.1\r\nHost: " + host + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + base64.StdEncoding.EncodeToString(nonce[:]) + "\r\n\r\n"
	answer, r, err := exchange(ctx, conn, head)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		return nil, refusal(answer)
	}
	// What came with the head is read first, and then no buffer is in between.
	early, _ := r.Peek(r.Buffered())
	s := &webSocket{window: newWindow(conn), conn: conn}
	if len(early) > 0 {
		s.r = io.MultiReader(bytes.NewReader(early), conn)
	}
	line, err := a.line()
	if err != nil {
		return nil, err
	}
	return s, s.send(opText, line)
}

// Next implements Stream.
func (s *webSocket) Next() ([]byte, error) {
	for {
		op, payload, err := s.frame()
		if err != nil {
			return nil, err
		}
		switch op {
		case opText:
			return payload, nil
		case opPing:
			if err := s.send(opPong, payload); err != nil {
				return nil, err
			}
		case opClose:
			const goingAway = 1001
			if len(payload) >= 2 && binary.BigEndian.Uint16(payload) != goingAway {
				return nil, fmt.Errorf("the hub closed the WebSocket: %d %s", binary.BigEndian.Uint16(payload), payload[2:])
			}
			return nil, io.EOF
		case opPong:
		}
	}
}

// frame reads one. A hub sends each message in one frame, unmasked.
func (s *webSocket) frame() (op byte, payload []byte, err error) {
	head, err := s.peek(2)
	if err != nil {
		return 0, nil, err
	}
	op = head[0] & 0xf
	if head[0]&0xf0 != 0x80 || head[1]&0x80 != 0 || op != opText && op < opClose || op > opPong {
		return 0, nil, errWebSocket
	}
	skip, size := 2, uint64(head[1])
	switch size {
	case 126:
		if head, err = s.peek(4); err != nil {
			return 0, nil, err
		}
		skip, size = 4, uint64(binary.BigEndian.Uint16(head[2:]))
	case 127:
		if head, err = s.peek(10); err != nil {
			return 0, nil, err
		}
		skip, size = 10, binary.BigEndian.Uint64(head[2:])
	}
	if size > maxFrame/2 {
		return 0, nil, errTooLong
	}
	whole, err := s.peek(skip + int(size))
	if err != nil {
		return 0, nil, err
	}
	s.at += len(whole)
	return op, whole[skip:], nil
}

// peek returns the next n bytes.
func (s *webSocket) peek(n int) ([]byte, error) {
	for s.end-s.at < n {
		if err := s.more(); err != nil {
			return nil, err
		}
	}
	return s.buf[s.at : s.at+n], nil
}

// send sends a frame. A client's are masked; with zeros the mask is invisible.
func (s *webSocket) send(op byte, payload []byte) error {
	b := []byte{0x80 | op}
	if n := len(payload); n < 126 {
		b = append(b, 0x80|byte(n))
	} else {
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	}
	b = append(append(b, 0, 0, 0, 0), payload...)
	s.sending.Lock()
	defer s.sending.Unlock()
	_, err := s.conn.Write(b)
	return err
}

// Close implements Stream.
func (s *webSocket) Close() { _ = s.conn.NetConn().Close() }
