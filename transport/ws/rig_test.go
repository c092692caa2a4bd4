package ws

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"everything.local/auth"
	"everything.local/event"
	"everything.local/event/memlog"
	"everything.local/hub"
	"everything.local/transport"
	"everything.local/transport/transporttest"
)

func TestMain(m *testing.M) { os.Exit(transporttest.Settled(m)) }

// rig is a hub and a server with TLS, on loopback or on pipes.
type rig struct {
	t      *testing.T
	log    *memlog.Log
	hub    *hub.Hub
	feed   *transport.Feed
	server *transport.Server
	dial   func() (net.Conn, error)
	// ended receives why each feed has ended.
	ended chan transport.Reason
	// stop begins the drain, done is closed when the server has ended.
	stop func()
	done <-chan struct{}
}

// setup is how a rig differs from the usual.
type setup struct {
	pipes  bool
	feed   transport.FeedConfig
	server transport.ServerConfig
	// handler is served in place of the feed.
	handler http.Handler
}

func newRig(t *testing.T, with setup) *rig {
	t.Helper()
	r := &rig{t: t, log: memlog.New(), ended: make(chan transport.Reason, 1<<12)}
	r.hub = hub.New(hub.Config{Log: r.log, Fold: fold{}})
	with.feed.Hub, with.feed.Identify, with.feed.WriteError = r.hub, identify, writeError
	with.feed.Authenticate, with.feed.CheckOrigin = authenticate, checkOrigin
	with.feed.Upgrades = []transport.Upgrade{Wire{}}
	with.feed.Ended = func(_, _ string, why transport.Reason) { r.ended <- why }
	r.feed = transport.NewFeed(with.feed)
	if with.handler == nil {
		with.handler = r.feed
	}
	certificate, _ := transporttest.SelfSigned(t)
	cfg := with.server
	cfg.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	cfg.Addr, cfg.Handler, cfg.Feed = "localhost:0", with.handler, r.feed
	cfg.WriteError = writeError
	if cfg.DrainWindow == 0 {
		cfg.DrainWindow = transport.NoDrainWindow
	}
	r.server = transport.NewServer(cfg)
	r.listen(with.pipes)
	r.run()
	return r
}

func (r *rig) listen(onPipes bool) {
	r.t.Helper()
	if onPipes {
		p := transporttest.NewPipes()
		r.dial = func() (net.Conn, error) { return p.Dial(context.Background()) }
		if err := r.server.ListenOn(transport.Sockets{Main: p}); err != nil {
			r.t.Fatal(err)
		}
		return
	}
	if err := r.server.Listen(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	r.dial = func() (net.Conn, error) {
		return new(net.Dialer).DialContext(context.Background(), "tcp", r.server.Addr().String())
	}
}

func (r *rig) run() {
	r.stop, r.done = transporttest.Serve(r.t, r.hub, r.server)
	r.append(0)
	<-r.hub.Ready()
}

// append makes an event of size bytes happen and returns its cursor.
func (r *rig) append(size int) string {
	r.t.Helper()
	data, err := json.Marshal(strings.Repeat("x", size))
	if err != nil {
		r.t.Fatal(err)
	}
	id := event.NewID()
	w, err := r.log.Append(context.Background(), event.Command{ID: id, Digest: "none"}, event.Write{
		Subject: event.Subject{Kind: event.KindSite, ID: id},
		Event:   event.Event{Type: "said", Version: 1, Time: time.Now(), By: "hub", Data: data},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.hub.Wait(context.Background(), w.Seq); err != nil {
		r.t.Fatal(err)
	}
	return event.Cursor{Epoch: "k3f9", Seq: w.Seq}.String()
}

// wantEnded waits for the end of a feed, and checks why it ended.
func (r *rig) wantEnded(t *testing.T, want transport.Reason) {
	t.Helper()
	select {
	case got := <-r.ended:
		if got != want {
			t.Errorf("the feed ended as %s, want %s", got, want)
		}
	case <-time.After(time.Minute):
		t.Fatalf("the feed did not end; it should as %s", want)
	}
}

// fold puts the data of every event under a key of its own.
type fold struct{}

// Apply implements hub.Fold.
func (fold) Apply(e event.Event) ([]event.Entry, error) {
	return []event.Entry{{Topic: event.Menu, Key: fmt.Sprint(e.Seq % 100), Seq: e.Seq, Value: e.Data}}, nil
}

// Snapshot implements hub.Fold.
func (fold) Snapshot() ([]byte, error) { return nil, nil }

// Restore implements hub.Fold.
func (fold) Restore([]byte) error { return nil }

// Epoch implements hub.Fold.
func (fold) Epoch() string { return "k3f9" }

func identify(r *http.Request) (auth.Identity, error) {
	if token, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); given {
		return authenticate(token)
	}
	return auth.Identity{}, nil
}

func authenticate(token string) (auth.Identity, error) {
	switch token {
	case "barista":
		return auth.Identity{Role: auth.Barista}, nil
	case "ada":
		return auth.Identity{Role: auth.Customer, Customer: "ada"}, nil
	case "brief":
		return auth.Identity{Role: auth.Barista, Expires: time.Now().Add(3 * time.Second)}, nil
	}
	return auth.Identity{}, event.Errorf(event.BadToken, "this token is not ours")
}

func checkOrigin(r *http.Request) error {
	if r.Header.Get("Origin") == "https://elsewhere.example" {
		return event.Errorf(event.CrossOrigin, "not from there")
	}
	return nil
}

// writeError answers with the code alone.
func writeError(w http.ResponseWriter, _ *http.Request, err error) {
	status := http.StatusBadRequest
	switch event.CodeOf(err) {
	case event.UnknownVersion:
		status = http.StatusUpgradeRequired
	case event.MethodNotAllowed:
		status = http.StatusMethodNotAllowed
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(event.CodeOf(err)))
}

// peer is a client that says exactly what a test wants.
type peer struct {
	t *testing.T
	*tls.Conn
	r *bufio.Reader
}

// tls returns a client that has said nothing yet. It is closed with the test.
func (r *rig) tls() *peer {
	r.t.Helper()
	c, err := r.dial()
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	t := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	return &peer{t: r.t, Conn: t, r: bufio.NewReader(t)}
}

// key is that of RFC 6455, section 1.3, and accept its answer there.
const (
	key    = "dGhlIHNhbXBsZSBub25jZQ=="
	accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// head is a good opening handshake.
func head(more ...string) []byte {
	lines := append([]string{
		"GET /v1/feed HTTP/1.1", "Host: hub", "Upgrade: websocket", "Connection: Upgrade",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " + key,
	}, more...)
	return []byte(strings.Join(lines, "\r\n") + "\r\n\r\n")
}

// open returns a client with its handshake done; what it sends in the same
// breath comes with it.
func (r *rig) open(first ...byte) *peer {
	r.t.Helper()
	p := r.tls()
	p.send(append(head(), first...))
	p.opened()
	return p
}

func (p *peer) opened() {
	p.t.Helper()
	resp, err := http.ReadResponse(p.r, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	want := http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"}, "Sec-Websocket-Accept": {accept}}
	if resp.StatusCode != http.StatusSwitchingProtocols || fmt.Sprint(resp.Header) != fmt.Sprint(want) {
		p.t.Fatalf("got %s %v, want 101 %v", resp.Status, resp.Header, want)
	}
}

// follow returns a client that follows the menu and is live.
func (r *rig) follow(members string) *peer {
	r.t.Helper()
	p := r.open(client(one(opText, `{"topics":"menu"`+members+`}`))...)
	p.untilLive()
	return p
}

func (p *peer) untilLive() {
	p.t.Helper()
	for !strings.HasPrefix(string(p.frame().payload), `{"live"`) {
	}
}

func (p *peer) send(b []byte) {
	p.t.Helper()
	if _, err := p.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// frame returns the next frame.
func (p *peer) frame() frame {
	p.t.Helper()
	f, err := readServerFrame(p.r)
	if err != nil {
		p.t.Fatalf("next frame: %v", err)
	}
	return f
}

// wantFault reads on to a frame that ends the feed with code.
func (p *peer) wantFault(code event.Code) event.Fault {
	p.t.Helper()
	for {
		f := p.frame()
		if f.op == opPong {
			continue
		}
		var got event.Frame
		if err := json.Unmarshal(f.payload, &got); err != nil {
			p.t.Fatalf("%v where an error should be: %v", f, err)
		}
		if got.Error == nil {
			continue
		}
		if got.Error.Code != code || got.Error.Detail == "" {
			p.t.Errorf("got %s, want the error %s and a sentence", f.payload, code)
		}
		return *got.Error
	}
}

// wantClose reads the close frame, answers it and reads the end.
func (p *peer) wantClose(code closeCode) {
	p.t.Helper()
	f := p.frame()
	if f.op != opClose {
		p.t.Fatalf("got %v, want close %d", f, code)
	}
	if got, err := parseClose(f.payload); err != nil || got != code {
		p.t.Fatalf("got close %d, %v, want %d", got, err, code)
	}
	_, _ = p.Write(client(f)) // it may be the answer to this client's own
	if p.RemoteAddr().Network() == "tcp" {
		_ = p.CloseWrite() // who has failed the connection reads no close frame
	}
	p.wantEnd()
}

func (p *peer) wantEnd() {
	p.t.Helper()
	if b, err := p.r.ReadByte(); err == nil {
		p.t.Fatalf("%#x after the end", b)
	}
}
