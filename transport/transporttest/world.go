package transporttest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"everything.local/auth"
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
	// ended receives the token of every feed that has ended.
	ended chan string
	// stop begins the drain, done is closed when the server has ended.
	stop context.CancelFunc
	done chan struct{}
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
	w := &world{t: t, way: way, log: memlog.New(), ended: make(chan string, 256), done: make(chan struct{})}
	w.hub = hub.New(hub.Config{Log: w.log, Fold: new(fold)})
	w.feed = transport.NewFeed(w.feedConfig(with.feed))
	certificate, roots := selfSigned(t)
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
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
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
		c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		return c, to, err
	}
}

func (w *world) listenOnPipes() {
	w.t.Helper()
	p, datagrams := newPipes(&w.pace), new(packets)
	on := transport.Sockets{Main: p}
	hub := datagrams.host()
	if w.way.QUIC {
		on.QUIC = hub
	}
	if err := w.server.ListenOn(on); err != nil {
		w.t.Fatal(err)
	}
	w.target.URL, w.target.Dial = "https://localhost", p.dial
	w.target.Packets = func() (net.PacketConn, net.Addr, error) { return datagrams.host(), hub.LocalAddr(), nil }
}

// run runs hub and server until the test ends, and then waits for both.
func (w *world) run() {
	ctx, stop := context.WithCancel(context.Background())
	serving, stopServing := context.WithCancel(ctx)
	w.stop = stopServing
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := w.hub.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
			w.t.Errorf("the hub ended: %v", err)
		}
	})
	wg.Go(func() {
		if err := w.server.Run(serving); err != nil {
			w.t.Errorf("the server ended: %v", err)
		}
		close(w.done)
	})
	w.t.Cleanup(func() {
		stopServing()
		<-w.done
		stop()
		wg.Wait()
	})
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

// The tokens of callers.
const (
	barista = "barista"
	ada     = "ada"
	// brief is a barista whose token expires briefly after the request.
	brief = "brief"
)

const briefLife = 1500 * time.Millisecond

func identify(r *http.Request) (auth.Identity, error) {
	token, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !given {
		return auth.Identity{}, nil
	}
	return who(token)
}

// who is the caller with the token, whose id it is as well.
func who(token string) (auth.Identity, error) {
	name, _, _ := strings.Cut(token, "/") // what follows tells requests apart
	switch name {
	case barista:
		return auth.Identity{Role: auth.Barista, ID: token}, nil
	case ada:
		return auth.Identity{Role: auth.Customer, ID: token, Customer: "ada"}, nil
	case brief:
		return auth.Identity{Role: auth.Barista, ID: token, Expires: time.Now().Add(briefLife)}, nil
	}
	return auth.Identity{}, event.Errorf(event.BadToken, "this token is not ours")
}

// writeError is the least that the hub's own does.
func writeError(w http.ResponseWriter, _ *http.Request, err error) {
	e, ok := errors.AsType[*event.Error](err)
	if !ok {
		e = event.Errorf(event.Internal, "%v", err)
	}
	status := http.StatusBadRequest
	switch e.Code {
	case event.Unauthenticated, event.BadToken, event.TokenExpired:
		status = http.StatusUnauthorized
	case event.Forbidden:
		status = http.StatusForbidden
	case event.MethodNotAllowed:
		status = http.StatusMethodNotAllowed
	case event.NotAcceptable:
		status = http.StatusNotAcceptable
	case event.TooManyRequests:
		status = http.StatusTooManyRequests
	case event.Unavailable, event.ShuttingDown:
		status = http.StatusServiceUnavailable
	case event.Internal:
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"code": string(e.Code), "detail": e.Detail, "field": e.Field})
}

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, roots
}
