package transporttest

import (
	"bytes"
	"context"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/webtransport-go"

	"everything.local/transport"
)

// hostileSession opens a WebTransport session as browsers do, without the
// draft's flow control, so that the hub alone bounds what is in it.
func (s *siege) hostileSession(ctx context.Context) (*webtransport.Session, func(), error) {
	c := newWTFeeds(s.target).(*wtFeeds)
	c.wt.Config = nil
	session, err := c.connected(ctx, Ask{})
	return session, c.Close, err
}

// subscribed opens a stream and says what to follow.
func subscribed(ctx context.Context, s *webtransport.Session) (*webtransport.Stream, error) {
	str, err := s.OpenStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	until, _ := ctx.Deadline()
	if err = str.SetWriteDeadline(until); err == nil {
		_, err = io.WriteString(str, `{"topics":"menu"}`+"\n")
	}
	return str, err
}

// floodsWT are attacks of so many steps on a session.
var floodsWT = map[string]struct {
	steps int
	step  func(ctx context.Context, s *webtransport.Session) error
}{
	"a million lines": {1, func(ctx context.Context, s *webtransport.Session) error {
		str, err := subscribed(ctx, s)
		batch := bytes.Repeat([]byte(`{"ping":true}`+"\n"), 1000)
		for range 1000 {
			if err == nil {
				_, err = str.Write(batch)
			}
		}
		return err
	}},
	"feeds": {1000, func(ctx context.Context, s *webtransport.Session) error {
		_, err := subscribed(ctx, s)
		return err
	}},
	"feeds that are left": {5_000, func(ctx context.Context, s *webtransport.Session) error {
		str, err := subscribed(ctx, s)
		if err == nil {
			err = leaving{str}.Close()
		}
		return err
	}},
	"streams without a line": {1000, func(ctx context.Context, s *webtransport.Session) error {
		str, err := s.OpenStreamSync(ctx)
		if err == nil {
			_, err = str.Write([]byte("{"))
		}
		return err
	}},
	"lines without an end": {1000, func(ctx context.Context, s *webtransport.Session) error {
		str, err := s.OpenStreamSync(ctx)
		if err == nil {
			_ = str.SetWriteDeadline(time.Now().Add(attackFor))
			_, _ = str.Write(make([]byte, 4*transport.MaxLine)) // refused in the middle
		}
		return err
	}},
	"unidirectional streams": {50_000, func(ctx context.Context, s *webtransport.Session) error {
		str, err := s.OpenUniStreamSync(ctx)
		if err == nil {
			_ = str.Close() // the hub may have been first
		}
		return err
	}},
	"datagrams": {200_000, func(ctx context.Context, s *webtransport.Session) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return s.SendDatagram(make([]byte, 1000))
	}},
}

// TestFloodWebTransport: as TestFloodHTTP2.
func TestFloodWebTransport(t *testing.T) {
	const attackers = 4
	for name, flood := range floodsWT {
		t.Run(name, func(t *testing.T) {
			s := besiege(t, true, setup{})
			var steps atomic.Int64
			s.during(attackers, func(ctx context.Context, _ int) (func(), error) {
				session, leave, err := s.hostileSession(ctx)
				if err != nil {
					return leave, err
				}
				ctx, cancel := context.WithTimeout(ctx, attackFor)
				defer cancel()
				for range flood.steps {
					if flood.step(ctx, session) != nil {
						break // the hub has had enough, or gives no more credit
					}
					steps.Add(1)
				}
				return leave, nil
			})
			stats := s.feed.Stats()[s.way.name()]
			t.Logf("%d steps, %d feeds opened, %v", steps.Load(), stats.Fresh, stats.Closed)
			if most := int64(attackers*16 + 4); stats.Open > most {
				t.Errorf("%d feeds are open", stats.Open)
			}
			// 16 feeds a session of two goroutines each, what waits for a place,
			// and the connection's own at both ends.
			s.withstood(attackers*(16*2+96+19+60)+100, 48<<20)
		})
	}
}
