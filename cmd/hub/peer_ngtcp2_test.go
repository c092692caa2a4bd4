package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// ngtcp2 is the peer of the ngtcp2 project, gtlsclient. It speaks HTTP/3 alone,
// sends no header of ours, and checks no certificate.
type ngtcp2 struct {
	t    *testing.T
	url  string
	args []string
}

// gtls is what gtlsclient prints: a report of all it does, in which the answer
// is dumped in hexadecimal.
type gtls struct {
	status int
	body   bytes.Buffer
	// transcript is everything but its news of single packets.
	transcript strings.Builder
	// early says that a request left in early data.
	early bool
	// closed is the error code that the answer's stream ended with.
	closed string
}

var (
	gtlsStatus = regexp.MustCompile(`^http: stream 0x0 \[:status: (\d+)\]`)
	gtlsDump   = regexp.MustCompile(`^[0-9a-f]{8}  ((?:[0-9a-f]{2} ? ?){1,16})`)
	gtlsEarly  = regexp.MustCompile(` 0RTT STREAM\(0x0[0-9a-f]\) id=0x0 `)
	gtlsClosed = regexp.MustCompile(`^HTTP stream 0 closed with error code (\d+)`)
)

// take takes a line. It reports whether it held something of the body.
func (g *gtls) take(line string) (body bool) {
	if m := gtlsDump.FindStringSubmatch(line); m != nil {
		b, err := hex.DecodeString(strings.ReplaceAll(m[1], " ", ""))
		g.body.Write(b)
		return err == nil
	}
	if m := gtlsStatus.FindStringSubmatch(line); m != nil {
		g.status, _ = strconv.Atoi(m[1])
	}
	if m := gtlsClosed.FindStringSubmatch(line); m != nil {
		g.closed = m[1]
	}
	g.early = g.early || gtlsEarly.MatchString(line)
	if !strings.HasPrefix(line, "I0") {
		g.transcript.WriteString(line + "\n")
	}
	return false
}

// run makes a request. body, if not nil, is called when more of the body is
// there.
func (n *ngtcp2) run(ctx context.Context, r request, body func(*gtls) error) (*gtls, error) {
	u, err := url.Parse(n.url)
	if err != nil {
		return nil, err
	}
	args := append([]string{"--no-quic-dump", "--exit-on-all-streams-close", "--http-method=" + r.method}, n.args...)
	if r.body != "" {
		file := filepath.Join(n.t.TempDir(), "body")
		if err := os.WriteFile(file, []byte(r.body), 0o600); err != nil {
			return nil, err
		}
		args = append(args, "--data="+file)
	}
	// By name, for a session is resumed under the name it was made for.
	args = append(args, "--sni=localhost", u.Hostname(), u.Port(), "https://localhost:"+u.Port()+r.path)
	g := new(gtls)
	err = new(program).run(ctx, true, func(out io.Reader) error {
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if g.take(lines.Text()) && body != nil {
				if err := body(g); err != nil {
					return err
				}
			}
		}
		return lines.Err()
	}, "gtlsclient", args...)
	// 0x100 is H3_NO_ERROR (RFC 9114, section 8.1).
	if err == nil && g.closed != "256" {
		err = fmt.Errorf("the stream ended with code %q", g.closed)
	}
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, g.transcript.String())
	}
	return g, nil
}

func (n *ngtcp2) request(ctx context.Context, r request) (answer, error) {
	g, err := n.run(ctx, r, nil)
	if err != nil {
		return answer{}, err
	}
	return answer{"HTTP/3", g.status, nil, g.body.Bytes()}, nil
}

func (n *ngtcp2) follow(ctx context.Context, ask subscription) (*following, error) {
	return followBy(ctx, func(ctx context.Context, f *following, open func(string)) error {
		_, err := n.run(ctx, request{method: http.MethodGet, path: ask.query()}, func(g *gtls) error {
			if g.status != http.StatusOK {
				return nil // a problem, whose text is in the transcript
			}
			open("HTTP/3")
			for {
				line, rest, whole := bytes.Cut(g.body.Bytes(), []byte("\n"))
				if !whole {
					return nil
				}
				if err := f.send(ctx, line); err != nil {
					return err
				}
				g.body.Next(g.body.Len() - len(rest))
			}
		})
		return err
	})
}
