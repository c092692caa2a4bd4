package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"everything.local/auth"
	"everything.local/cafe"
	"everything.local/event"
	"everything.local/event/memlog"
)

// follower folds a log into a state, as package hub does.
type follower struct {
	mu      sync.RWMutex
	state   *cafe.State
	entries map[event.Topic]map[string]event.Entry
	// moved is closed, and made anew, at each event.
	moved  chan struct{}
	halted error
	// hold, while not nil, keeps the follower from applying anything.
	hold chan struct{}
}

func newFollower() *follower {
	return &follower{state: cafe.New(), entries: map[event.Topic]map[string]event.Entry{}, moved: make(chan struct{})}
}

func (f *follower) run(ctx context.Context, log event.Log) error {
	return log.Tail(ctx, 0, func(e event.Event) error {
		f.mu.RLock()
		hold := f.hold
		f.mu.RUnlock()
		if hold != nil {
			select {
			case <-hold:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return f.apply(e)
	})
}

func (f *follower) apply(e event.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	entries, err := f.state.Apply(e)
	for _, en := range entries {
		if f.entries[en.Topic] == nil {
			f.entries[en.Topic] = map[string]event.Entry{}
		}
		f.entries[en.Topic][en.Key] = en
	}
	f.halted = err
	close(f.moved)
	f.moved = make(chan struct{})
	return err
}

// pause keeps the follower where it is until the function returned is called.
func (f *follower) pause() (goOn func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hold = make(chan struct{})
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		close(f.hold)
		f.hold = nil
	}
}

func (f *follower) Read(fn func()) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	fn()
}

func (f *follower) Cursor() event.Cursor {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return event.Cursor{Epoch: f.state.Epoch(), Seq: f.state.Seq()}
}

func (f *follower) Halted() error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.halted
}

func (f *follower) Wait(ctx context.Context, seq uint64) error {
	for {
		f.mu.RLock()
		at, moved, halted := f.state.Seq(), f.moved, f.halted
		f.mu.RUnlock()
		if at >= seq || halted != nil {
			return halted
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// site is a hub's API over a log.
type site struct {
	t        *testing.T
	log      *memlog.Log
	follower *follower
	api      *API
	keys     *auth.Keys
	handler  http.Handler
	logged   *buffer
}

// newSite opens a site with the menu that hubs come with.
func newSite(t *testing.T) *site {
	t.Helper()
	return openSite(t, openKeys(t))
}

func openKeys(t testing.TB) *auth.Keys {
	t.Helper()
	keys, err := auth.OpenKeys(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func openSite(t *testing.T, keys *auth.Keys) *site {
	t.Helper()
	log := memlog.New()
	s := (&site{t: t, log: log, keys: keys}).join(log, newFollower())
	hub := cafe.Caller{Role: "hub"}
	for _, cmd := range []cafe.Command{
		cafe.OpenSite{Epoch: event.NewID(), Site: "corner", Mode: "test"},
		cafe.ImportMenu{Items: cafe.DefaultMenu()},
	} {
		if _, err := s.api.Do(t.Context(), cmd, hub, event.Command{ID: event.CommandID("hub", "", "", event.NewID())}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// join starts a hub on the site's log, which follows it with f and appends to
// and asks the head of to.
func (s *site) join(to event.Log, f *follower) *site {
	t := s.t
	t.Helper()
	s = &site{t: t, log: s.log, follower: f, keys: s.keys, logged: &buffer{}}
	s.api = New(Config{
		Log: to, Follower: s.follower, State: s.follower.state,
		Auth: auth.New(auth.Config{Keys: s.keys, WriteError: WriteError}),
		Info: func() Info {
			return Info{
				Wires: []string{"sse", "ndjson"}, Writable: true, Version: "v0",
				Policy:            []WirePolicy{{Browser: "other", Wires: []string{"ndjson", "sse"}}},
				CertificateHashes: []CertificateHash{{Algorithm: "sha-256", Value: "AAAA", Until: "2026-12-01T00:00:00.000Z"}},
			}
		},
		Logger:     slog.New(slog.NewTextHandler(s.logged, nil)),
		BodyWithin: 500 * time.Millisecond,
	})
	mux := http.NewServeMux()
	s.api.Register(mux)
	s.handler = mux
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.follower.run(ctx, s.log) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) && s.follower.Halted() == nil {
			t.Error(err)
		}
	})
	return s
}

// token signs a token for a role's subject.
func (s *site) token(role auth.Role, subject string) string {
	s.t.Helper()
	token, err := s.keys.Sign(auth.Claims{Role: role, Subject: subject})
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// as returns the Authorization header of a role's subject.
func (s *site) as(role auth.Role, subject string) header {
	return header{"Authorization", "Bearer " + s.token(role, subject)}
}

type header [2]string

func key(k string) header { return header{"Idempotency-Key", k} }

// response is an answer, read whole.
type response struct {
	status int
	header http.Header
	body   []byte
}

// code is the code of a refusal, "" for an answer.
func (r response) code() event.Code {
	var p problem
	_ = json.Unmarshal(r.body, &p)
	return p.Code
}

func (r response) order(t *testing.T) cafe.Order {
	t.Helper()
	var body orderAnswer
	if err := json.Unmarshal(r.body, &body); err != nil || body.Order.ID == "" {
		t.Fatalf("no order in %d %s: %v", r.status, r.body, err)
	}
	return body.Order
}

// request makes a request with a JSON body, none if it is empty.
func request(ctx context.Context, method, url, body string, headers ...header) *http.Request {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		r.Header.Set(h[0], h[1])
	}
	return r
}

// do sends a request past the network.
func (s *site) do(method, path, body string, headers ...header) response {
	s.t.Helper()
	return s.serveOne(request(s.t.Context(), method, "https://hub.test"+path, body, headers...))
}

func (s *site) serveOne(r *http.Request) response {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return response{w.Code, w.Header(), w.Body.Bytes()}
}

// serve starts a TLS server and returns its address with a client for each
// version of HTTP.
func (s *site) serve() (url string, clients map[string]*http.Client) {
	s.t.Helper()
	srv := httptest.NewUnstartedServer(s.handler)
	srv.EnableHTTP2 = true
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.StartTLS()
	s.t.Cleanup(srv.Close)
	h2 := srv.Client()
	h1 := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: h2.Transport.(*http.Transport).TLSClientConfig.RootCAs, MinVersion: tls.VersionTLS13},
		TLSNextProto:    map[string]func(string, *tls.Conn) http.RoundTripper{},
	}}
	s.t.Cleanup(h1.CloseIdleConnections)
	return srv.URL, map[string]*http.Client{"HTTP/1.1": h1, "HTTP/2.0": h2}
}

// send sends r over the network.
func send(t *testing.T, c *http.Client, r *http.Request) response {
	t.Helper()
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{res.StatusCode, res.Header, body}
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
