package transporttest

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"everything.local/transport"
)

// clientQUIC has small windows for streams, so that a reader that stops is felt
// soon and one that crawls shows it, for windows move by a quarter; and room in
// the connection's for the other streams.
func clientQUIC(at Target) *quic.Config {
	const streamWindow, connWindow = 16 << 10, 1 << 20
	return &quic.Config{
		InitialStreamReceiveWindow: streamWindow, MaxStreamReceiveWindow: streamWindow,
		InitialConnectionReceiveWindow: connWindow, MaxConnectionReceiveWindow: connWindow,
		// A client of a scenario that takes its time says that it is there.
		KeepAlivePeriod: 10 * time.Second, MaxIdleTimeout: at.idle,
		EnableDatagrams: true, EnableStreamResetPartialDelivery: true,
	}
}

// quicDialer dials the hub from a socket of its own for each connection, and
// keeps what is to be closed.
type quicDialer struct {
	target Target

	mu         sync.Mutex
	sockets    []net.PacketConn
	transports []*quic.Transport
}

func (d *quicDialer) dial(ctx context.Context, _ string, c *tls.Config, q *quic.Config) (*quic.Conn, error) {
	socket, hub, err := d.target.Packets()
	if err != nil {
		return nil, err
	}
	t := &quic.Transport{Conn: socket, ConnectionIDGenerator: d.target.ids}
	d.mu.Lock()
	d.sockets, d.transports = append(d.sockets, socket), append(d.transports, t)
	d.mu.Unlock()
	conn, err := t.DialEarly(ctx, hub, c, q)
	if err == nil && d.target.dialled != nil {
		d.target.dialled(conn)
	}
	return conn, err
}

// close closes sockets, after what runs on them.
func (d *quicDialer) close() {
	sockets, transports := d.take()
	for _, t := range transports {
		_ = t.Close()
	}
	for _, s := range sockets {
		_ = s.Close()
	}
}

// vanish closes sockets first, so that nothing that runs on them can say so.
func (d *quicDialer) vanish() {
	sockets, transports := d.take()
	for _, s := range sockets {
		_ = s.Close()
	}
	for _, t := range transports {
		_ = t.Close()
	}
}

// take returns what is to be closed, once.
func (d *quicDialer) take() ([]net.PacketConn, []*quic.Transport) {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer func() { d.sockets, d.transports = nil, nil }()
	return d.sockets, d.transports
}

func http3Client(w transport.Wire, read Reader) func(Target) Client {
	return func(at Target) Client {
		d := &quicDialer{target: at}
		h3 := &http3.Transport{
			TLSClientConfig: &tls.Config{RootCAs: at.Roots}, QUICConfig: clientQUIC(at),
			EnableDatagrams: true, DisableCompression: true, Dial: d.dial,
		}
		return &httpFeeds{
			wire: w, read: read, url: at.URL, transport: h3,
			body: func(b io.ReadCloser) io.ReadCloser {
				return &paced{ReadCloser: b, pace: at.pace, closed: make(chan struct{})}
			},
			close: func() {
				_ = h3.Close() // tells the hub
				d.close()
			},
			vanish: func() {
				d.vanish()
				_ = h3.Close() // nothing of it gets out any more
			},
		}
	}
}

// paced is a stream that its client does not read any faster than its pace.
type paced struct {
	io.ReadCloser
	pace   *pace
	once   sync.Once
	closed chan struct{}
}

// Read implements io.Reader.
func (p *paced) Read(b []byte) (int, error) {
	b = p.pace.wait(b, p.closed)
	select {
	case <-p.closed:
		return 0, net.ErrClosed
	default:
		return p.ReadCloser.Read(b)
	}
}

// Close implements io.Closer.
func (p *paced) Close() error {
	p.once.Do(func() { close(p.closed) })
	return p.ReadCloser.Close()
}
