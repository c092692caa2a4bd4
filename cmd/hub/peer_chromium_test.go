package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

//go:embed testdata/page.js
var pageScript string

// tab is a page of the hub as a peer, on one wire.
type tab struct {
	browser *chromium
	session string
	wire    string

	mu    sync.Mutex
	last  int
	feeds map[int]*tabFeed
}

// tabFeed is a feed of a tab.
type tabFeed struct {
	// lines is unbounded, for the browser is not to wait: a test's feed has
	// some hundred frames.
	lines  []string
	ended  bool
	why    error
	opened string
	news   chan struct{} // receives when there is more of any of them

	// request and protocol are those of the feed's answer in the network log.
	request, protocol string
}

// openTab opens a page of the hub in which feeds can be followed.
func openTab(ctx context.Context, b *chromium, origin, wire string) (*tab, error) {
	tb := &tab{browser: b, wire: wire, feeds: map[int]*tabFeed{}}
	var err error
	if tb.session, err = b.open(ctx, origin+"/", tb.take); err != nil {
		return nil, err
	}
	if err := b.call(ctx, tb.session, "Runtime.addBinding", map[string]any{"name": "report"}, nil); err != nil {
		return nil, err
	}
	return tb, b.evaluate(ctx, tb.session, pageScript, nil)
}

// spoken is a protocol by the name it has on the wire, for Chromium tells those
// of its negotiation.
func spoken(alpn string) string {
	return map[string]string{"http/1.1": "HTTP/1.1", "h2": "HTTP/2", "h3": "HTTP/3"}[alpn]
}

func (tb *tab) request(ctx context.Context, r request) (answer, error) {
	args, err := json.Marshal([]string{r.method, r.path, r.token, r.body})
	if err != nil {
		return answer{}, err
	}
	var got struct {
		Status         int
		Body, Protocol string
	}
	err = tb.browser.evaluate(ctx, tb.session, fmt.Sprintf("ask(...%s)", args), &got)
	return answer{spoken(got.Protocol), got.Status, nil, []byte(got.Body)}, err
}

// take takes the page's events.
func (tb *tab) take(m devtools) {
	switch m.Method {
	case "Runtime.bindingCalled":
		var binding struct{ Payload string }
		var said struct {
			Feed       int
			Open, Line string
			End        *string
		}
		if json.Unmarshal(m.Params, &binding) == nil && json.Unmarshal([]byte(binding.Payload), &said) == nil {
			tb.hear(said.Feed, func(f *tabFeed) {
				switch {
				case said.Open != "":
					f.opened = said.Open
				case said.End == nil:
					f.lines = append(f.lines, said.Line)
				default:
					f.ended = true
					if *said.End != "" {
						f.why = errors.New(*said.End)
					}
				}
			})
		}
	case "Network.responseReceived":
		var got struct {
			RequestID string
			Response  struct{ URL, Protocol string }
		}
		if json.Unmarshal(m.Params, &got) == nil && strings.Contains(got.Response.URL, "/v1/feed?") {
			tb.hear(0, func(f *tabFeed) { f.request, f.protocol = got.RequestID, got.Response.Protocol })
		}
	case "Network.loadingFailed":
		// For an EventSource, which does not tell its page why it ended. What is
		// cancelled was left by the page: so is a fetch that has read it all.
		var got struct {
			RequestID, ErrorText string
			Canceled             bool
		}
		if json.Unmarshal(m.Params, &got) == nil && !got.Canceled {
			tb.hear(0, func(f *tabFeed) {
				if f.request == got.RequestID {
					f.why = errors.New(got.ErrorText)
				}
			})
		}
	}
}

// hear changes a feed, 0 being the newest.
func (tb *tab) hear(feed int, change func(*tabFeed)) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if f := tb.feeds[cmp.Or(feed, tb.last)]; f != nil {
		change(f)
		select {
		case f.news <- struct{}{}:
		default:
		}
	}
}

func (tb *tab) follow(ctx context.Context, ask subscription) (*following, error) {
	tb.mu.Lock()
	tb.last++
	n, tf := tb.last, &tabFeed{news: make(chan struct{}, 1)}
	tb.feeds[n] = tf
	tb.mu.Unlock()
	args, err := json.Marshal([]any{n, tb.wire, map[string]string{"query": ask.query(), "line": ask.line()}})
	if err != nil {
		return nil, err
	}
	if err := tb.browser.evaluate(ctx, tb.session, fmt.Sprintf("follow(...%s)", args), nil); err != nil {
		return nil, err
	}
	f, err := followBy(ctx, func(ctx context.Context, f *following, open func(string)) error {
		return tb.pump(ctx, tf, f, open)
	})
	if err != nil {
		return nil, err
	}
	leave := f.leave
	f.leave = func() {
		leave()
		_ = tb.browser.evaluate(ctx, tb.session, fmt.Sprintf("leave(%d)", n), nil) // the page may have ended with ctx
	}
	return f, nil
}

// pump hands on what a feed brings, until it ends.
func (tb *tab) pump(ctx context.Context, tf *tabFeed, f *following, open func(string)) error {
	for {
		tb.mu.Lock()
		lines, ended, why, opened, protocol := tf.lines, tf.ended, tf.why, tf.opened, spoken(tf.protocol)
		tf.lines = nil
		tb.mu.Unlock()
		switch opened {
		case "":
		case "fetch", "EventSource": // the network log says on what
			if protocol != "" {
				open(protocol)
			}
		default:
			open(opened)
		}
		for _, line := range lines {
			if err := f.send(ctx, []byte(line)); err != nil {
				return err
			}
		}
		if ended && len(lines) == 0 {
			return why
		}
		if len(lines) > 0 {
			continue
		}
		select {
		case <-tf.news:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// openPages returns how a page is opened. One browser speaks no HTTP/2; both
// use HTTP/3 for the hub's address, and not for its name.
func openPages(t *testing.T, p *process) func(wire, protocol string) peer {
	t.Helper()
	address := strings.TrimPrefix(p.url, "https://")
	flags := []string{"--ignore-certificate-errors-spki-list=" + strings.Join(pins(t, p), ","), "--origin-to-force-quic-on=" + address}
	old, browser := startChromium(t, append(slices.Clone(flags), "--disable-http2")...), startChromium(t, flags...)
	return func(wire, protocol string) peer {
		b, origin := browser, strings.Replace(p.url, "127.0.0.1", "localhost", 1)
		switch protocol {
		case "h1":
			b = old
		case "h3":
			origin = p.url
		}
		ctx, cancel := context.WithTimeout(t.Context(), startWithin)
		defer cancel()
		tb, err := openTab(ctx, b, origin, wire)
		if err != nil {
			t.Fatal(err)
		}
		return tb
	}
}

// pins are the hashes of the keys that the hub shows over TCP and UDP, as
// Chromium takes them.
func pins(t *testing.T, p *process) (pins []string) {
	t.Helper()
	for _, protocol := range []string{"h2", "h3"} {
		res, err := p.over(protocol).Get(p.url + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		leaf := res.TLS.PeerCertificates[0]
		sum := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
		pins = append(pins, base64.StdEncoding.EncodeToString(sum[:]))
	}
	return pins
}
