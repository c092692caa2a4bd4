package client

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

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
// (draft-ietf-webtrans-http3) on a QUIC connection of its own, which carries
// commands too.
type wt struct {
	lines
	*roaming

	on      *quicCarrier
	session *webtransport.Session
	stream  *webtransport.Stream
	left    sync.Once
	// mount lets commands go along, once the hub has accepted the feed; dismount
	// ends that.
	accepted        sync.Once
	mount, dismount func()
}

func openWT(ctx context.Context, c *Client, _ Protocol, ask subscription) (feed, error) {
	line, err := c.firstLine(ctx, ask)
	if err != nil {
		return nil, err
	}
	on, err := dialer{c.config.Network, ask.path}.dial(ctx, authority(ask.base), c.quicTLS(), c.quicConfig())
	if err != nil {
		return nil, err
	}
	f := &wt{on: on, dismount: func() {}}
	requests, err := f.subscribe(ctx, ask.base, append(line, '\n'))
	if err != nil {
		f.close()
		return nil, err
	}
	f.roaming = c.roam(ctx, on, ask.Pace)
	f.mount = func() { c.mount(ride{ask.base, requests, f.stir}) }
	f.dismount = func() { c.dismount(requests) }
	// The stream knows no context.
	context.AfterFunc(ctx, f.leave)
	return f, nil
}

// subscribe opens the session and its stream. It returns what carries requests
// over the same connection.
func (f *wt) subscribe(ctx context.Context, base string, line []byte) (http.RoundTripper, error) {
	transport, err := new(webtransport.Transport).NewClientConn(f.on.conn)
	if err != nil {
		return nil, err
	}
	response, session, err := transport.Dial(ctx, base+"/v1/feed", nil)
	if err != nil {
		if response != nil && response.StatusCode >= 300 {
			return nil, refusal(response)
		}
		return nil, err
	}
	f.session = session
	f.on.beat = func() error { return session.SendDatagram(beat) }
	if f.stream, err = session.OpenStreamSync(ctx); err != nil {
		return nil, err
	}
	f.lines = newLines(f.stream)
	_, err = f.stream.Write(line)
	return transport, err
}

func (*wt) protocol() string { return "HTTP/3" }

func (f *wt) roamer() *roamer { return f.keeper() }

func (f *wt) close() {
	f.leave()
	f.roaming.close()
	_ = f.on.close() // its sockets are of no more use
}

// leave ends the connection, and with it the heartbeat and the reader.
func (f *wt) leave() {
	f.accepted.Do(func() {}) // not any more
	f.left.Do(func() {
		f.dismount()
		if f.session != nil {
			_ = f.session.CloseWithError(0, "") // else the connection's end says it
		}
		_ = f.on.leave() // whoever cannot be told finds out
	})
}

func (f *wt) next() ([]byte, error) {
	line, err := f.frame()
	if err == nil {
		f.accepted.Do(f.mount)
	}
	if closed, ok := errors.AsType[*webtransport.SessionError](err); ok && closed.Message != "" {
		return nil, errors.New("the hub closed the session: " + closed.Message)
	}
	return line, err
}
