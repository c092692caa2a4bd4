package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
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
	"time"

	"github.com/google/go-cmp/cmp"

	"everything.local/auth"
	"everything.local/event"
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

// TestMigrationByPeer: ngtcp2's client follows the feed, and goes on by another
// socket of its own accord while things happen. All of it comes, in order and
// once; the hub counts the move, says so without an address, and asks the client
// to come again, which this one does not know.
func TestMigrationByPeer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	p := start(t, t.TempDir())
	staff := p.token(auth.Barista, "bob")
	const after = 400 * time.Millisecond
	n := &ngtcp2{t: t, url: p.url, args: []string{"--change-local-addr=" + after.String()}}
	feed, err := n.follow(ctx, subscription{Topics: "announcements"})
	if err != nil {
		t.Fatal(err)
	}
	defer feed.leave()
	_, err = feed.next(ctx, "live", func(f event.Frame) bool { return f.Live })
	const rebound = `hub_quic_migrations_total{kind="rebinding"}`
	var said []string // announced, in order
	var came []string
	asked := false
	// It is announced something until the hub has seen the move, and some time on.
	const more = 10
	for left := more; left > 0 && err == nil; {
		text := fmt.Sprintf("number %d", len(said))
		said = append(said, text)
		posted := p.must(staff, http.MethodPost, "/v1/announcements", `{"text":"`+text+`"}`)
		_, err = feed.next(ctx, text, func(f event.Frame) bool {
			asked = asked || f.Goaway != nil
			var a struct{ Text string }
			if f.Value != nil && json.Unmarshal(f.Value, &a) == nil {
				came = append(came, a.Text)
			}
			return a.Text == text
		})
		id := posted["announcement"].(map[string]any)["id"].(string)
		p.must(staff, http.MethodDelete, "/v1/announcements/"+id, "") // there may be 50
		if left < more || series(t, p.text("/metrics"), rebound) > 0 {
			left--
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(said, came); diff != "" {
		t.Errorf("announcements (-said +came):\n%s", diff)
	}
	metrics := p.text("/metrics")
	if moves, feeds := series(t, metrics, rebound), series(t, metrics, "hub_quic_renewals_total"); moves != 1 || feeds != 1 || !asked {
		t.Errorf("%v moves, %v feeds asked to come again, this one %v; want one of each", moves, feeds, asked)
	}
	if opened := series(t, metrics, `hub_feeds_opened_total{resumed="false",wire="ndjson"}`); opened != 1 {
		t.Errorf("%v feeds were opened", opened)
	}
	lines := regexp.MustCompile(`.*a client has moved.*`).FindAllString(p.log.String(), -1)
	if len(lines) != 1 || !strings.Contains(lines[0], "from=127.0.0.0/24 to=127.0.0.0/24") || strings.Contains(lines[0], "127.0.0.1") {
		t.Errorf("logged of the move: %q", lines)
	}
}
