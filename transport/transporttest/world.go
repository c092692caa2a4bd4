package transporttest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"everything.local/event"
	"everything.local/event/memlog"
	"everything.local/hub"
	"everything.local/transport"
)

// epoch is that of every world's log.
const epoch = "k3f9xw2a"

// world is a hub with everything around it, for one scenario.
type world struct {
	t    *testing.T
	way  Way
	log  *memlog.Log
	hub  *hub.Hub
	feed *transport.Feed
	// upgrade is the server's side of a way by lines.
	upgrade transport.Upgrade
	server  *transport.Server
	target  Target
	pace    pace
	// sources is how many addresses clients come from, 0 for this machine\'s own.
	sources int
	dialled atomic.Int64
	// ended receives the token of every feed that has ended.
	ended chan string
	// stop begins the drain, done is closed when the server has ended.
	stop context.CancelFunc
	done <-chan struct{}
}

// setup is how a world differs from the usual.
type setup struct {
	// pipes puts the world on pipes in place of sockets, for bubbles.
	pipes  bool
	feed   transport.FeedConfig
	server transport.ServerConfig
}

// newWorld starts a hub whose log holds site.opened. It ends with the test.
func newWorld(t *testing.T, way Way, with setup) *world {
	t.Helper()
	w := &world{t: t, way: way, log: memlog.New(), ended: make(chan string, 256)}
	w.hub = hub.New(hub.Config{Log: w.log, Fold: new(fold)})
	w.feed = transport.NewFeed(w.feedConfig(with.feed))
	certificate, roots := SelfSigned(t)
	w.server = transport.NewServer(w.serverConfig(with.server, certificate))
	w.listen(with.pipes, roots)
	w.append(script{Epoch: epoch})
	w.run()
	return w
}

func (w *world) feedConfig(c transport.FeedConfig) transport.FeedConfig {
	c.Hub, c.Identify, c.WriteError = w.hub, identify, writeError
	if w.way.lines() {
		w.upgrade = w.way.Upgrade()
		c.Upgrades, c.Authenticate = []transport.Upgrade{w.upgrade}, who
		c.CheckOrigin = func(*http.Request) error { return nil }
	} else {
		c.Wires = []transport.Wire{w.way.Wire}
	}
	c.Ended = func(by, _ string, _ transport.Reason) {
		_, token, _ := strings.Cut(by, "/")
		select {
		case w.ended <- token:
		default: // nobody listens
		}
	}
	return c
}

func (w *world) serverConfig(c transport.ServerConfig, certificate tls.Certificate) transport.ServerConfig {
	mux := http.NewServeMux()
	mux.Handle("/v1/feed", w.feed)
	certified := &tls.Config{Certificates: []tls.Certificate{certificate}}
	c.Addr, c.TLS = "localhost:0", certified
	c.NoPoll = w.way.NoPoll
	c.Handler, c.WriteError, c.Feed = mux, writeError, w.feed
	if c.DrainWindow == 0 {
		c.DrainWindow = transport.NoDrainWindow
	}
	if w.way.QUIC {
		c.QUIC = &transport.QUICConfig{TLS: certified}
		if e, ok := w.upgrade.(transport.Extension); ok {
			c.QUIC.Extension = e
		}
	}
	return c
}

// receiveBuffer of a client's socket is small enough to be full soon, and large
// enough for a few of loopback's 64 KiB segments: below that TCP's avoidance of
// silly windows (RFC 9293, section 3.8.6.2) makes every transfer crawl.
const receiveBuffer = 256 << 10

func (w *world) listen(onPipes bool, roots *x509.CertPool) {
	w.t.Helper()
	w.target = Target{Roots: roots, pace: &w.pace}
	if onPipes {
		w.listenOnPipes()
		return
	}
	if err := w.server.Listen(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(w.server.Addr().String())
	w.target.URL = "https://localhost:" + port
	w.target.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: w.source()}}
		c, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return c, c.(*net.TCPConn).SetReadBuffer(receiveBuffer)
	}
	w.target.Packets = func() (net.PacketConn, net.Addr, error) {
		to, err := net.ResolveUDPAddr("udp", w.server.Addr().String())
		if err != nil {
			return nil, nil, err
		}
		c, err := net.ListenUDP("udp", &net.UDPAddr{IP: w.source()})
		return c, to, err
	}
}

// source is the address that the next connection comes from. A crowd has
// several, for there is a bound to what one may have open.
func (w *world) source() net.IP {
	if w.sources == 0 {
		return net.IPv4(127, 0, 0, 1)
	}
	return net.IPv4(127, 0, 1, byte(1+int(w.dialled.Add(1))%w.sources))
}

func (w *world) listenOnPipes() {
	w.t.Helper()
	p, datagrams := NewPipes(), new(packets)
	on := transport.Sockets{Main: p}
	hub := datagrams.host()
	if w.way.QUIC {
		on.QUIC = hub
	}
	if err := w.server.ListenOn(on); err != nil {
		w.t.Fatal(err)
	}
	w.target.URL = "https://localhost"
	w.target.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := p.Dial(ctx)
		if err != nil {
			return nil, err
		}
		return &line{Conn: c, pace: &w.pace, closed: make(chan struct{})}, nil
	}
	w.target.Packets = func() (net.PacketConn, net.Addr, error) { return datagrams.host(), hub.LocalAddr(), nil }
}

// run runs hub and server until the test ends.
func (w *world) run() {
	w.stop, w.done = Serve(w.t, w.hub, w.server)
	<-w.hub.Ready()
}

// append appends one event and returns its sequence; it is on its way to the
// feeds then.
func (w *world) append(s script) uint64 {
	w.t.Helper()
	data, err := json.Marshal(s)
	if err != nil {
		w.t.Fatal(err)
	}
	id := event.NewID()
	r, err := w.log.Append(context.Background(), event.Command{ID: id, Digest: "none"}, event.Write{
		Subject: event.Subject{Kind: event.KindSite, ID: id},
		Event:   event.Event{Type: "script.played", Version: 1, Time: time.Now(), By: "hub", Data: data},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Seq
}

// happen appends an event of changes and waits until the hub has applied it.
func (w *world) happen(changes ...change) event.Cursor {
	w.t.Helper()
	seq := w.append(script{Changes: changes})
	if err := w.hub.Wait(w.t.Context(), seq); err != nil {
		w.t.Fatal(err)
	}
	return event.Cursor{Epoch: epoch, Seq: seq}
}

// client returns a client that is closed with the test.
func (w *world) client() Client {
	c := w.way.Connect(w.target)
	w.t.Cleanup(c.Close)
	return c
}

// follow opens a feed that is closed with the test.
func (w *world) follow(c Client, ask Ask) Stream {
	w.t.Helper()
	s, err := c.Follow(context.Background(), ask)
	if err != nil {
		w.t.Fatalf("follow %+v: %v", ask, err)
	}
	w.t.Cleanup(s.Close)
	return s
}

// holds checks that the follower holds what the hub does.
func (w *world) holds(f *follower) {
	w.t.Helper()
	for _, topic := range f.Topics {
		want := make(map[string]held)
		for _, e := range w.hub.Entries(topic) {
			want[e.Key] = held{e.Seq, string(e.Value)}
		}
		if diff := diffHeld(want, f.State[topic]); diff != "" {
			w.t.Errorf("%s (-hub +client):\n%s", topic, diff)
		}
	}
}
