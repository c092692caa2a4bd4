package transporttest

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"sync"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"everything.local/transport"
)

// WebTransportWay is the way of WebTransport. Attach makes its server's side.
func WebTransportWay(upgrade func() transport.Upgrade) Way {
	return Way{Name: "wt/h3", Upgrade: upgrade, Connect: newWTFeeds, Shared: true, QUIC: true}
}

// wtFeeds is a Client whose feeds are streams of one session, while it lives.
type wtFeeds struct {
	target Target
	dialer *quicDialer
	tls    *tls.Config
	wt     *webtransport.Transport

	mu      sync.Mutex
	session *webtransport.Session
	conns   []*quic.Conn
}

func newWTFeeds(at Target) Client {
	return &wtFeeds{
		target: at, dialer: &quicDialer{target: at},
		tls: &tls.Config{RootCAs: at.Roots, ServerName: "localhost", NextProtos: []string{http3.NextProtoH3}},
		wt: &webtransport.Transport{
			Config: &webtransport.Config{MaxIncomingStreams: 1, MaxIncomingUniStreams: 1, MaxIncomingData: 1 << 20},
		},
	}
}

// Follow implements Client.
func (c *wtFeeds) Follow(ctx context.Context, ask Ask) (Stream, error) {
	session, err := c.connected(ctx, ask)
	if err != nil {
		return nil, err
	}
	stream, err := session.OpenStreamSync(ctx)
	if err != nil {
		return nil, err
	}
	line := ask.subscription()
	if !ask.Unfinished {
		line += "\n"
	}
	if _, err := io.WriteString(stream, line); err != nil {
		return nil, err
	}
	body := &paced{ReadCloser: leaving{stream}, pace: c.target.pace, closed: make(chan struct{})}
	return opened(&wtStream{stream, bufio.NewReader(body), body})
}

// connected returns the client's session, a new one on a new connection if the
// last has ended.
func (c *wtFeeds) connected(ctx context.Context, ask Ask) (*webtransport.Session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session != nil && c.session.Context().Err() == nil {
		return c.session, nil
	}
	conn, err := c.dialer.dial(ctx, "", c.tls, clientQUIC(c.target))
	if err != nil {
		return nil, err
	}
	c.conns = append(c.conns, conn)
	client, err := c.wt.NewClientConn(conn)
	if err != nil {
		return nil, err
	}
	url := c.target.URL + "/v1/feed"
	if ask.Extra != "" {
		url += "?" + ask.Extra
	}
	resp, session, err := client.Dial(ctx, url, nil)
	if resp != nil && session == nil {
		return nil, refusal(resp)
	}
	c.session = session
	return session, err
}

// Close implements Client.
func (c *wtFeeds) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.CloseWithError(0, "") // the hub may have been first
	}
	if len(c.conns) > 0 { // it cannot be closed before it was used
		_ = c.wt.Close()
	}
	c.dialer.close()
}

// Vanish implements Client.
func (c *wtFeeds) Vanish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dialer.vanish()
	if len(c.conns) > 0 {
		_ = c.wt.Close()
	}
}

// leaving is a stream that is left by stopping to receive and to send.
type leaving struct{ *webtransport.Stream }

// Close implements io.Closer.
func (l leaving) Close() error {
	l.CancelRead(0)
	l.CancelWrite(0)
	return nil
}

// wtStream is the Talker of a stream.
type wtStream struct {
	stream *webtransport.Stream
	r      *bufio.Reader
	body   io.Closer
}

// Next implements Stream.
func (s *wtStream) Next() (Frame, error) { return ReadNDJSON(s.r) }

// Say implements Talker.
func (s *wtStream) Say(line string) error {
	_, err := io.WriteString(s.stream, line+"\n")
	return err
}

// Close leaves the feed.
func (s *wtStream) Close() { _ = s.body.Close() }
