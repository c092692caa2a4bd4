package transport

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"everything.local/event"
)

// certified is a configuration that serves a certificate nobody trusts.
func certified(t *testing.T) *tls.Config {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func answer(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			text = "body: " + err.Error()
		}
		_, _ = io.WriteString(w, text)
	})
}

func plainError(w http.ResponseWriter, _ *http.Request, err error) {
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, string(event.CodeOf(err)))
}

// serving runs a server on loopback until the test ends.
func serving(t *testing.T, cfg ServerConfig) *Server {
	t.Helper()
	s := NewServer(complete(t, cfg))
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	running(t, s)
	return s
}

func complete(t *testing.T, cfg ServerConfig) ServerConfig {
	t.Helper()
	if cfg.TLS == nil {
		cfg.TLS = certified(t)
	}
	cfg.Addr, cfg.Handler, cfg.WriteError, cfg.DrainWindow = "localhost:0", answer("hub"), plainError, NoDrainWindow
	return cfg
}

func running(t *testing.T, s *Server) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(func() { stop(); wg.Wait() })
}

// client returns a client with connections of its own.
func client(t *testing.T, http2 bool) *http.Client {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetHTTP2(http2)
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, Protocols: protocols}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// get returns status, header and body.
func get(t *testing.T, c *http.Client, url string) (int, http.Header, string) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func TestServerConnectionLimits(t *testing.T) {
	for why, cfg := range map[Refusal]ServerConfig{
		TooManyConns:       {MaxConns: 2},
		TooManyFromAddress: {MaxConnsPerAddress: 2},
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(string(why), func(t *testing.T) {
				s := serving(t, cfg)
				url := "https://" + s.Addr().String()
				first := client(t, http2)
				for _, c := range []*http.Client{first, client(t, http2)} {
					if status, _, body := get(t, c, url); status != http.StatusOK || body != "hub" {
						t.Fatalf("within the limit: %d %s", status, body)
					}
				}
				status, header, body := get(t, client(t, http2), url)
				if status != http.StatusServiceUnavailable || body != string(event.Unavailable) || header.Get("Retry-After") == "" {
					t.Errorf("beyond the limit: %d %s, Retry-After %q", status, body, header.Get("Retry-After"))
				}
				if got := s.Stats(); got.Open != 2 || got.Refused[why] != 1 {
					t.Errorf("stats %+v", got)
				}
				first.CloseIdleConnections()
				for status != http.StatusOK { // until the server has noticed
					status, _, _ = get(t, client(t, http2), url)
				}
			})
		}
	}
}

func TestServerPlainBoard(t *testing.T) {
	s := serving(t, ServerConfig{PlainBoardAddr: "localhost:0", PlainBoardHandler: answer("board")})
	if _, _, body := get(t, client(t, false), "http://"+s.BoardAddr().String()); body != "board" {
		t.Errorf("the plain listener serves %q", body)
	}
	if _, _, body := get(t, client(t, true), "https://"+s.Addr().String()); body != "hub" {
		t.Errorf("the TLS listener serves %q", body)
	}
}

func TestServerListenErrors(t *testing.T) {
	s := serving(t, ServerConfig{})
	taken := s.Addr().String()
	for name, cfg := range map[string]ServerConfig{
		"main":  {Addr: taken, TLS: certified(t)},
		"board": {Addr: "localhost:0", TLS: certified(t), PlainBoardAddr: taken},
	} {
		second := NewServer(cfg)
		err := second.Listen(t.Context())
		if err == nil || !strings.Contains(err.Error(), taken) {
			t.Errorf("%s: %v, want an error with the address", name, err)
		}
		if second.mainListener != nil {
			if _, err := second.mainListener.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: the other listener is left open: %v", name, err)
			}
		}
	}
}

// TestServerListenerFails: Run does not go on with half of its listeners.
func TestServerListenerFails(t *testing.T) {
	s := NewServer(complete(t, ServerConfig{}))
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	_ = s.mainListener.Close()
	if err := s.Run(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Run: %v", err)
	}
}

func TestServerTLSVersion(t *testing.T) {
	old := client(t, false)
	old.Transport.(*http.Transport).TLSClientConfig.MaxVersion = tls.VersionTLS12
	if _, err := old.Get("https://" + serving(t, ServerConfig{}).Addr().String()); err == nil {
		t.Error("TLS 1.2 is served though nobody asked for it")
	}
	cfg := certified(t)
	cfg.MinVersion = tls.VersionTLS12
	if _, _, body := get(t, old, "https://"+serving(t, ServerConfig{TLS: cfg}).Addr().String()); body != "hub" {
		t.Errorf("TLS 1.2, asked for, serves %q", body)
	}
}

// TestServerHTTP2Settings: what a client is told it may do at most (RFC 9113,
// section 6.5.2).
func TestServerHTTP2Settings(t *testing.T) {
	s := serving(t, ServerConfig{})
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}}
	c, err := dialer.DialContext(t.Context(), "tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	frame, err := http2.NewFramer(c, c).ReadFrame()
	if err != nil {
		t.Fatal(err)
	}
	settings, ok := frame.(*http2.SettingsFrame)
	if !ok {
		t.Fatalf("the first frame is %v", frame)
	}
	for id, most := range map[http2.SettingID]uint32{
		http2.SettingMaxConcurrentStreams: maxStreams,
		http2.SettingInitialWindowSize:    streamWindow,
		http2.SettingMaxHeaderListSize:    maxHeaderBytes + 512, // net/http allows for its own bookkeeping
		http2.SettingMaxFrameSize:         16 << 10,
	} {
		if got, ok := settings.Value(id); !ok || got > most {
			t.Errorf("%v is %d, want %d at most", id, got, most)
		}
	}
}

// piped is a listener for one connection, in a bubble.
type piped struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *piped) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *piped) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *piped) Addr() net.Addr { return &net.TCPAddr{} }

// TestServerBadRequests are requests no handler gets to see, and one whose body
// never ends.
func TestServerBadRequests(t *testing.T) {
	for name, tt := range map[string]struct {
		request string
		after   time.Duration
		want    string // the status line's beginning or part of the body
	}{
		"not HTTP":           {"MENU please\r\n\r\n", 0, "HTTP/1.1 400"},
		"two lengths":        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 0, "HTTP/1.1 400"},
		"header too large":   {"GET / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 2*maxHeaderBytes), 0, "HTTP/1.1 431"},
		"header never ends":  {"GET / HTTP/1.1\r\nHost: h\r\n", readHeaderTimeout, ""},
		"nothing comes":      {"", readHeaderTimeout, ""},
		"body never ends":    {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nx", readTimeout, "i/o timeout"},
		"nothing after that": {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", idleTimeout, "hub"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := NewServer(complete(t, ServerConfig{}))
				p := &piped{conns: make(chan net.Conn), closed: make(chan struct{})}
				if err := s.ListenOn(Sockets{Main: p}); err != nil {
					t.Fatal(err)
				}
				running(t, s)
				ours, theirs := net.Pipe()
				p.conns <- theirs
				c := tls.Client(ours, &tls.Config{InsecureSkipVerify: true})
				defer func() { _ = ours.Close() }()
				if err := c.HandshakeContext(t.Context()); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				go func() { _, _ = io.WriteString(c, tt.request) }() // the server need not read it all
				b, err := io.ReadAll(bufio.NewReader(c))
				if !strings.Contains(string(b), tt.want) || tt.want == "" && len(b) > 0 {
					t.Errorf("answered %q, %v, want %q", b, err, tt.want)
				}
				if took := time.Since(start); took < tt.after || took > tt.after+time.Second {
					t.Errorf("the connection ended after %v, want %v", took, tt.after)
				}
			})
		})
	}
}
