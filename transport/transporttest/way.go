package transporttest

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"time"

	"github.com/quic-go/quic-go"

	"everything.local/event"
	"everything.local/hub"
	"everything.local/transport"
)

// Way is one way to follow a feed: a wire on a protocol.
type Way struct {
	// Name is of the wire and the protocol, like "sse/h2".
	Name string
	// Wire is the server's side of it, if it is a response body; else Upgrade
	// makes that for a server.
	Wire    transport.Wire
	Upgrade func() transport.Upgrade
	// QUIC says that it runs on HTTP/3.
	QUIC bool
	// Connect returns a client; connections are made as needed.
	Connect func(Target) Client
	// Shared says that all feeds of one client are on one connection.
	Shared bool
	// NoPoll has the server serve the way with goroutines for each connection.
	NoPoll bool
}

// WithoutPoll returns the way as it is on systems without epoll.
func (w Way) WithoutPoll() Way {
	w.Name += " without poll"
	w.NoPoll = true
	return w
}

// late is by how much a client may hear of something later than it happened,
// where nothing takes time: on QUIC the hub keeps a pace, of 40 µs for each of a
// few clients.
func (w Way) late() time.Duration {
	if w.QUIC {
		return time.Millisecond
	}
	return 0
}

// name is the wire's.
func (w Way) name() string { return w.encoding().Name() }

func (w Way) encoding() hub.Encoding {
	if w.Upgrade != nil {
		return w.Upgrade()
	}
	return w.Wire
}

// lines says that what to follow is asked for by a line.
func (w Way) lines() bool { return w.Upgrade != nil }

// Target is where a client finds the hub.
type Target struct {
	// URL is the hub's, without a path.
	URL string
	// Dial makes connections; Roots is whom to trust on them.
	Dial  func(ctx context.Context, network, addr string) (net.Conn, error)
	Roots *x509.CertPool
	// Packets opens a socket for QUIC and says where the hub is from there.
	Packets func() (net.PacketConn, net.Addr, error)

	pace *pace
	// ids makes the connection ids of clients on QUIC; nil for some of 4 bytes.
	ids quic.ConnectionIDGenerator
	// dialled is told of each of their connections; nil for nobody.
	dialled func(*quic.Conn)
	// idle is when clients on QUIC, and so the hub, give up a silent line.
	idle time.Duration
}

// Client opens feeds.
type Client interface {
	// Follow opens a feed. It returns a *Refusal if the hub would not.
	Follow(context.Context, Ask) (Stream, error)
	// Close closes what connections are left.
	Close()
	// Vanish is Close without a word to the hub, as in a power cut.
	Vanish()
}

// Stream is an open feed.
type Stream interface {
	// Next returns the next frame, io.EOF when the hub ended the feed in order.
	Next() (Frame, error)
	// Close leaves the feed.
	Close()
}

// Ask is what a client asks for. Fields that are empty are left out.
type Ask struct {
	Topics, After, Pace string
	// LastEventID is what EventSource sends when it reconnects.
	LastEventID string
	Token       string
	// Extra is a query as it stands, Method and Accept what is sent instead of
	// the proper ones: to be refused.
	Extra, Method, Accept string
	// Line is what is sent in place of the proper subscription, on wires that
	// have one.
	Line string
	// Unfinished leaves the end of the subscription's line out, for ever.
	Unfinished bool
}

// Refusal is a feed that was not opened.
type Refusal struct {
	Status            int
	Fault             event.Error
	RetryAfter, Allow string
}

// Error makes *Refusal an error.
func (r *Refusal) Error() string { return fmt.Sprintf("%d: %v", r.Status, &r.Fault) }
