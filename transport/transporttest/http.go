package transporttest

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"everything.local/event"
	"everything.local/transport"
)

// HTTPWays returns the ways of a wire that is the body of a response: over
// HTTP/1.1, HTTP/2 and HTTP/3.
func HTTPWays(w transport.Wire, read Reader) []Way {
	return []Way{
		{Name: w.Name() + "/h1", Wire: w, Connect: httpClient(w, read, false)},
		{Name: w.Name() + "/h2", Wire: w, Connect: httpClient(w, read, true), Shared: true},
		{Name: w.Name() + "/h3", Wire: w, Connect: http3Client(w, read), Shared: true, QUIC: true},
	}
}

// httpFeeds is a Client over net/http.
type httpFeeds struct {
	wire      transport.Wire
	read      Reader
	url       string
	transport http.RoundTripper
	// body is how bodies are read, nil for as they come.
	body func(io.ReadCloser) io.ReadCloser
	// close closes what is left of the transport, after conns; vanish does in
	// its stead what ends connections without a word.
	close, vanish func()

	mu    sync.Mutex
	conns []net.Conn
}

func httpClient(w transport.Wire, read Reader, http2 bool) func(Target) Client {
	return func(at Target) Client {
		protocols := new(http.Protocols)
		protocols.SetHTTP1(!http2)
		protocols.SetHTTP2(http2)
		c := &httpFeeds{wire: w, read: read, url: at.URL}
		tcp := &http.Transport{
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := at.Dial(ctx, network, addr)
				if err == nil {
					c.keep(conn)
				}
				return conn, err
			},
			TLSClientConfig:    &tls.Config{RootCAs: at.Roots},
			Protocols:          protocols,
			DisableCompression: true,
			// Small windows, so that a reader that stops is felt soon, and room
			// in the connection's for the other streams.
			HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: 32 << 10, MaxReceiveBufferPerConnection: 1 << 20},
		}
		c.transport, c.close, c.vanish = tcp, tcp.CloseIdleConnections, tcp.CloseIdleConnections
		return c
	}
}

// keep closes conn with the client.
func (c *httpFeeds) keep(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, conn)
}

// Follow implements Client.
func (c *httpFeeds) Follow(ctx context.Context, ask Ask) (Stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	resp, err := c.send(ctx, ask)
	if err != nil {
		cancel()
		return nil, err
	}
	body := resp.Body
	if c.body != nil {
		body = c.body(body)
	}
	s := &httpStream{read: c.read, r: bufio.NewReader(body), body: body, cancel: cancel}
	if resp.StatusCode == http.StatusOK {
		err = c.checkHead(resp.Header)
	} else {
		err = refusal(resp)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (c *httpFeeds) send(ctx context.Context, ask Ask) (*http.Response, error) {
	q := url.Values{}
	for name, value := range map[string]string{"topics": ask.Topics, "after": ask.After, "pace": ask.Pace} {
		if value != "" {
			q.Set(name, value)
		}
	}
	method := ask.Method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+"/v1/feed?"+strings.TrimPrefix(q.Encode()+"&"+ask.Extra, "&"), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", c.wire.MediaType())
	if ask.Accept != "" {
		req.Header.Set("Accept", ask.Accept)
	}
	if ask.LastEventID != "" {
		req.Header.Set("Last-Event-ID", ask.LastEventID)
	}
	if ask.Token != "" {
		req.Header.Set("Authorization", "Bearer "+ask.Token)
	}
	return c.transport.RoundTrip(req)
}

func (c *httpFeeds) checkHead(h http.Header) error {
	for name, want := range map[string]string{
		"Content-Type": c.wire.MediaType(), "Cache-Control": "no-store",
		"X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff", "Vary": "Accept",
	} {
		if got := h.Get(name); got != want {
			return fmt.Errorf("header %s is %q, want %q", name, got, want)
		}
	}
	return nil
}

// refusal reads an answer that is no feed.
func refusal(resp *http.Response) error {
	const most = 64 << 10
	b, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return err
	}
	r := &Refusal{Status: resp.StatusCode, RetryAfter: resp.Header.Get("Retry-After"), Allow: resp.Header.Get("Allow")}
	if resp.Header.Get("Content-Type") != "application/problem+json" {
		return r // net/http answers before any handler does
	}
	var problem struct {
		Code          event.Code
		Detail, Field string
	}
	if len(b) > 0 { // an answer to HEAD has no body
		if err := json.Unmarshal(b, &problem); err != nil {
			return fmt.Errorf("problem %q: %w", b, err)
		}
	}
	r.Fault = event.Error{Code: problem.Code, Detail: problem.Detail, Field: problem.Field}
	return r
}

// Close implements Client. It does not wait for the transport to find that its
// connections are idle.
func (c *httpFeeds) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close() // the hub may have been first
	}
	c.close()
}

// Vanish implements Client.
func (c *httpFeeds) Vanish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		vanish(conn)
	}
	c.vanish()
}

// vanish resets a connection instead of ending it.
func vanish(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // else it is ended in order, which is as good
	}
	_ = conn.Close()
}

// httpStream is a Stream over a response.
type httpStream struct {
	read   Reader
	r      *bufio.Reader
	body   io.Closer
	cancel context.CancelFunc
}

// Next implements Stream.
func (s *httpStream) Next() (Frame, error) { return s.read(s.r) }

// Close implements Stream.
func (s *httpStream) Close() {
	s.cancel()
	_ = s.body.Close() // nothing is to be learnt from a feed that one leaves
}
