package transporttest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
)

// Frame and stream types (RFC 9114, sections 6.2 and 7.2; RFC 9218, section 7.2).
const (
	frameHeaders        = 0x01
	frameSettings       = 0x04
	framePriorityUpdate = 0xf0700
	frameUnknown        = 0x21
	streamControl       = 0x00
	streamUnknown       = 0x21
)

// frame3 is an HTTP/3 frame that announces length bytes.
func frame3(typ uint64, length int, payload []byte) []byte {
	return append(quicvarint.Append(quicvarint.Append(nil, typ), uint64(length)), payload...)
}

// getFeed is the request for a feed (RFC 9204): no dynamic table, the method
// and scheme by their places in the static one, and two literals.
var getFeed = func() []byte {
	b := []byte{0, 0, 0xc0 | 17, 0xc0 | 23}
	for i, value := range []string{"localhost", "/v1/feed?topics=menu"} { // :authority, :path
		b = append(b, 0x50|byte(i), byte(len(value)))
		b = append(b, value...)
	}
	return frame3(frameHeaders, len(b), b)
}()

// hostileQUIC dials from the machine itself, where no rate holds.
func (s *siege) hostileQUIC(ctx context.Context) (*quic.Conn, func(), error) {
	socket, to, err := s.target.Packets()
	if err != nil {
		return nil, nil, err
	}
	t := &quic.Transport{Conn: socket}
	leave := func() { _ = errors.Join(t.Close(), socket.Close()) }
	c, err := t.Dial(ctx, to, &tls.Config{RootCAs: s.target.Roots, ServerName: "localhost", NextProtos: []string{http3.NextProtoH3}}, clientQUIC(s.target))
	if err != nil {
		leave()
		return nil, nil, err
	}
	return c, func() { _ = c.CloseWithError(0, ""); leave() }, nil
}

// said opens a stream and says something on it, while ctx lasts.
func said(ctx context.Context, c *quic.Conn, what []byte) (*quic.Stream, error) {
	s, err := c.OpenStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	return s, say(ctx, s, what)
}

// saidUni is said on a unidirectional stream.
func saidUni(ctx context.Context, c *quic.Conn, what []byte) (*quic.SendStream, error) {
	s, err := c.OpenUniStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	return s, say(ctx, s, what)
}

// say writes while ctx lasts. That the hub stops what comes is no error.
func say(ctx context.Context, s interface {
	io.Writer
	SetWriteDeadline(time.Time) error
}, what []byte,
) error {
	until, _ := ctx.Deadline()
	err := s.SetWriteDeadline(until)
	if err == nil {
		_, err = s.Write(what)
	}
	if e, ok := errors.AsType[*quic.StreamError](err); ok && e.Remote {
		return nil
	}
	return err
}

// floodsHTTP3 are attacks of so many steps on a connection.
var floodsHTTP3 = map[string]struct {
	steps int
	step  func(ctx context.Context, c *quic.Conn) error
}{
	"requests that are reset": {5_000, func(ctx context.Context, c *quic.Conn) error {
		s, err := said(ctx, c, getFeed)
		if err == nil {
			s.SetReliableBoundary() // the request itself arrives
			s.CancelWrite(0)
			s.CancelRead(0)
		}
		return err
	}},
	"streams that are reset": {5_000, func(ctx context.Context, c *quic.Conn) error {
		s, err := said(ctx, c, nil)
		if err == nil {
			s.CancelWrite(0)
			s.CancelRead(0)
		}
		return err
	}},
	"requests": {5_000, func(ctx context.Context, c *quic.Conn) error {
		_, err := said(ctx, c, getFeed)
		return err
	}},
	"heads that never come": {5_000, func(ctx context.Context, c *quic.Conn) error {
		_, err := said(ctx, c, frame3(frameHeaders, 60<<10, []byte{0}))
		return err
	}},
	"huge heads": {5_000, func(ctx context.Context, c *quic.Conn) error {
		s, err := said(ctx, c, frame3(frameHeaders, 1<<30, nil))
		if err != nil {
			return err
		}
		return say(ctx, s, make([]byte, 32<<10))
	}},
	"frames of no meaning": {5_000, func(ctx context.Context, c *quic.Conn) error {
		s, err := said(ctx, c, nil)
		for err == nil {
			err = say(ctx, s, bytes.Repeat(frame3(frameUnknown, 0, nil), 1000))
		}
		return err
	}},
	"streams of no meaning": {50_000, func(ctx context.Context, c *quic.Conn) error {
		s, err := saidUni(ctx, c, []byte{streamUnknown, 0, 0, 0})
		if err == nil {
			_ = s.Close() // the hub may have been first
		}
		return err
	}},
	"half a stream type": {5_000, func(ctx context.Context, c *quic.Conn) error {
		_, err := saidUni(ctx, c, []byte{0x40})
		return err
	}},
	"priorities": {1, func(ctx context.Context, c *quic.Conn) error {
		s, err := saidUni(ctx, c, append([]byte{streamControl}, frame3(frameSettings, 0, nil)...))
		for err == nil {
			err = say(ctx, s, bytes.Repeat(frame3(framePriorityUpdate, 4, []byte{0, 'u', '=', '1'}), 100))
		}
		return err
	}},
	"datagrams": {200_000, func(ctx context.Context, c *quic.Conn) error {
		return errors.Join(c.SendDatagram(make([]byte, 1000)), ctx.Err())
	}},
}

// TestFloodHTTP3: as TestFloodHTTP2.
func TestFloodHTTP3(t *testing.T) {
	const attackers = 4
	for name, flood := range floodsHTTP3 {
		t.Run(name, func(t *testing.T) {
			s := besiege(t, false, setup{})
			var steps atomic.Int64
			s.during(attackers, func(ctx context.Context, _ int) (func(), error) {
				c, leave, err := s.hostileQUIC(ctx)
				if err != nil {
					return nil, err
				}
				steps.Add(int64(floodQUIC(ctx, c, flood.steps, flood.step)))
				return leave, nil
			})
			t.Logf("%d steps, %d feeds opened", steps.Load(), s.feed.Stats()[s.way.name()].Fresh)
			// 96 + 19 streams a connection, with a goroutine each and one that is
			// about to end, and the connection's own at both ends.
			s.withstood(attackers*(2*(96+19)+40)+100, 48<<20)
		})
	}
}

// floodQUIC takes steps until the hub has had enough, or gives no more credit,
// and returns how many.
func floodQUIC(ctx context.Context, c *quic.Conn, steps int, step func(context.Context, *quic.Conn) error) int {
	ctx, cancel := context.WithTimeout(ctx, attackFor)
	defer cancel()
	for n := range steps {
		if step(ctx, c) != nil {
			return n
		}
	}
	return steps
}
