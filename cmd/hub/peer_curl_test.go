package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"
)

// buildPeer compiles testdata/peer.c, the client of libcurl.
func buildPeer(t *testing.T) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "peer")
	c := exec.CommandContext(t.Context(), "cc", "-Wall", "-Wextra", "-Werror", "-O1", "-o", to, "testdata/peer.c", "-lcurl-gnutls")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("libcurl with HTTP/3 and cc are needed, see .ci/setup: %v\n%s", err, out)
	}
	return to
}

// curl is a peer: the command of that name on HTTP/1.1 and HTTP/2, and its
// library for HTTP/3 and WebSocket. The hub's certificate is verified.
type curl struct {
	url, ca, library string
	wire, protocol   string
}

func newCurl(p *process, library, wire, protocol string) *curl {
	return &curl{p.url, filepath.Join(tlsDir(p.data), "ca.pem"), library, wire, protocol}
}

// command returns the line that makes a request and prints its head and body.
func (c *curl) command(r request, header ...string) []string {
	if r.token != "" {
		header = append(header, "Authorization: Bearer "+r.token)
	}
	if r.body != "" {
		header = append(header, "Content-Type: application/json")
	}
	if c.protocol == "h3" {
		return append([]string{c.library, "h3", c.ca, c.url + r.path, r.method, r.body}, header...)
	}
	line := []string{"curl", "-q", "-sSiN", "--noproxy", "*", "--cacert", c.ca, "-X", r.method, c.url + r.path}
	line = append(line, map[string]string{"h1": "--http1.1", "h2": "--http2"}[c.protocol])
	if r.body != "" {
		line = append(line, "--data", r.body)
	}
	for _, h := range header {
		line = append(line, "-H", h)
	}
	return line
}

func (c *curl) request(ctx context.Context, r request) (a answer, err error) {
	line := c.command(r)
	err = new(program).run(ctx, false, func(out io.Reader) error {
		b := bufio.NewReader(out)
		if a, err = readHead(b); err != nil {
			return err
		}
		a.body, err = io.ReadAll(b)
		return err
	}, line[0], line[1:]...)
	return a, err
}

func (c *curl) follow(ctx context.Context, ask subscription) (*following, error) {
	accept := map[string]string{"sse": "text/event-stream", "ndjson": "application/x-ndjson"}[c.wire]
	line := c.command(request{method: http.MethodGet, path: ask.query()}, "Accept: "+accept)
	switch {
	case c.wire == "ws":
		line = []string{c.library, "ws", c.ca, "wss" + c.url[len("https"):] + "/v1/feed", ask.line()}
	case c.wire == "sse" && ask.After != "": // as a browser comes back
		line = c.command(request{method: http.MethodGet, path: subscription{Topics: ask.Topics}.query()},
			"Accept: "+accept, "Last-Event-ID: "+ask.After)
	}
	return followBy(ctx, func(ctx context.Context, f *following, open func(string)) error {
		return new(program).run(ctx, false, func(out io.Reader) error {
			b := bufio.NewReader(out)
			a, err := readHead(b)
			if err == nil {
				err = refused(a.status, b)
			}
			if err != nil {
				return err
			}
			open(a.protocol)
			return readFrames(ctx, b, f, c.wire == "sse")
		}, line[0], line[1:]...)
	})
}
