package client

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"
)

const (
	// beatIdle and beatAttentive are how often the client shows the hub and the
	// way there that it lives. Only a packet from here repairs a NAT that gave
	// the connection a new address, and tells that the hub has restarted.
	beatIdle      = 15 * time.Second
	beatAttentive = time.Second
)

// beat is a heartbeat's datagram. QUIC answers a packet of a connection it does
// not know with a reset only if that packet is longer than the reset.
var beat = make([]byte, 24)

// wt is a feed on a bidirectional stream of a WebTransport session
// (draft-ietf-webtrans-http3) on a QUIC connection of its own.
type wt struct {
	lines

	conn    *quic.Conn
	session *webtransport.Session
	stream  *webtransport.Stream
	done    chan struct{}
	once    sync.Once
	beating sync.WaitGroup
}

func openWT(ctx context.Context, c *Client, _ Protocol, ask subscription) (feed, error) {
	line, err := c.firstLine(ctx, ask)
	if err != nil {
		return nil, err
	}
	q := quicConfig()
	q.EnableDatagrams, q.EnableStreamResetPartialDelivery = true, true
	conn, err := c.udp.dial(ctx, authority(ask.base), c.quicTLS(ask.base), q)
	if err != nil {
		return nil, err
	}
	f := &wt{conn: conn, done: make(chan struct{})}
	if err := f.subscribe(ctx, ask.base, append(line, '\n')); err != nil {
		f.close()
		return nil, err
	}
	every := beatIdle
	if ask.Pace == Attentive {
		every = beatAttentive
	}
	f.beating.Go(func() { f.heartbeat(every) })
	// The stream knows no context.
	context.AfterFunc(ctx, f.leave)
	return f, nil
}

func (f *wt) subscribe(ctx context.Context, base string, line []byte) error {
	transport, err := new(webtransport.Transport).NewClientConn(f.conn)
	if err != nil {
		return err
	}
	response, session, err := transport.Dial(ctx, base+"/v1/feed", nil)
	if err != nil {
		if response != nil && response.StatusCode >= 300 {
			return refusal(response)
		}
		return err
	}
	f.session = session
	if f.stream, err = session.OpenStreamSync(ctx); err != nil {
		return err
	}
	f.lines = newLines(f.stream)
	_, err = f.stream.Write(line)
	return err
}

func (f *wt) heartbeat(every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if err := f.session.SendDatagram(beat); err != nil {
				return // the reader sees why
			}
		case <-f.done:
			return
		}
	}
}

func (*wt) protocol() string { return "HTTP/3" }

func (f *wt) close() {
	f.leave()
	f.beating.Wait()
}

// leave ends the connection, and with it the heartbeat and the reader.
func (f *wt) leave() {
	f.once.Do(func() {
		close(f.done)
		if f.session != nil {
			_ = f.session.CloseWithError(0, "") // else the connection's end says it
		}
		_ = f.conn.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
	})
}

func (f *wt) next() ([]byte, error) {
	line, err := f.frame()
	if closed, ok := errors.AsType[*webtransport.SessionError](err); ok && closed.Message != "" {
		return nil, errors.New("the hub closed the session: " + closed.Message)
	}
	return line, err
}
