package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/coder/websocket"
)

// send sends a request.
func (r *reader) send(ctx context.Context, b block, way string) (reply, error) {
	if way == "sh" {
		return r.shell(ctx, b.text)
	}
	head, body, err := b.head(r.fill)
	if err != nil {
		return reply{}, err
	}
	switch way {
	case "ws":
		return r.webSocket(ctx, head, body)
	case "wt":
		return r.webTransport(ctx, head, body)
	}
	return r.web(ctx, way, head, body)
}

// web sends a request over a version of HTTP.
func (r *reader) web(ctx context.Context, protocol string, head *http.Request, body string) (reply, error) {
	q, err := http.NewRequestWithContext(ctx, head.Method, r.p.url+head.RequestURI, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	q.Header = head.Header
	client := r.p.over(protocol)
	res, err := client.Do(q)
	if err != nil {
		return reply{}, err
	}
	if came := strings.TrimSuffix(res.Proto, ".0"); came != speaks[protocol] {
		return reply{}, fmt.Errorf("the answer came over %s", came)
	}
	a := bodyOf(res.Header, res.Body)
	a.status = res.StatusCode
	a.close = func() {
		_ = res.Body.Close() // a feed is left, not finished
		client.CloseIdleConnections()
	}
	return a, nil
}

// bodyOf is a reply whose frames or text are in a body.
func bodyOf(h http.Header, body io.Reader) reply {
	media, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	a := reply{media: media, header: h, close: func() {}, body: func() ([]byte, error) { return io.ReadAll(body) }}
	lines := bufio.NewReader(body)
	switch media {
	case "application/x-ndjson":
		a.next = func() ([]byte, error) { return lines.ReadBytes('\n') }
	case "text/event-stream":
		a.next = func() ([]byte, error) { return nextEvent(lines) }
	}
	return a
}

// nextEvent returns the data of the next server-sent event.
func nextEvent(lines *bufio.Reader) ([]byte, error) {
	for {
		line, err := lines.ReadBytes('\n')
		if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok || err != nil {
			return data, err
		}
	}
}

// shell runs a line in a shell whose variables are the document's. Beside it
// curl is told, in its own file, to note the head of the answer and to use no
// proxy.
func (r *reader) shell(ctx context.Context, line string) (reply, error) {
	dir, err := os.MkdirTemp(r.t.TempDir(), "curl-")
	if err != nil {
		return reply{}, err
	}
	noted := filepath.Join(dir, "head")
	if err := os.WriteFile(filepath.Join(dir, ".curlrc"), fmt.Appendf(nil, "noproxy = \"*\"\ndump-header = %q\n", noted), 0o600); err != nil {
		return reply{}, err
	}
	c := exec.CommandContext(ctx, "sh", "-euc", line)
	c.Env = append(os.Environ(), "CURL_HOME="+dir, "LC_ALL=C")
	for name, value := range r.says {
		c.Env = append(c.Env, name+"="+value)
	}
	c.Dir = dir
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGTERM) }
	c.WaitDelay = leaveWithin
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.StdoutPipe()
	if err != nil {
		return reply{}, err
	}
	if err := c.Start(); err != nil {
		return reply{}, err
	}
	return commanded(c, out, &said, noted)
}

// commanded is the reply to a request that a command has made.
func commanded(c *exec.Cmd, out io.ReadCloser, said *bytes.Buffer, noted string) (reply, error) {
	read := bufio.NewReader(out)
	_, _ = read.Peek(1) // the head has come when the body does
	leave := func() {
		_ = c.Cancel()
		_ = c.Wait()
	}
	head, err := os.ReadFile(noted)
	if err != nil {
		leave()
		return reply{}, fmt.Errorf("there is no answer: %s", said)
	}
	lines := textproto.NewReader(bufio.NewReader(bytes.NewReader(head)))
	var version string
	var status int
	first, _ := lines.ReadLine()
	if _, err := fmt.Sscan(first, &version, &status); err != nil {
		leave()
		return reply{}, fmt.Errorf("%q is no status line", first)
	}
	h, err := lines.ReadMIMEHeader()
	if err != nil {
		leave()
		return reply{}, err
	}
	a := bodyOf(http.Header(h), read)
	a.status, a.close = status, leave
	return a, nil
}

// webSocket opens a WebSocket with a head, as it is, and follows a feed on one.
func (r *reader) webSocket(ctx context.Context, head *http.Request, body string) (reply, error) {
	status, err := r.handshake(ctx, head)
	if err != nil {
		return reply{}, err
	}
	h := head.Header.Clone()
	for name := range head.Header {
		if strings.HasPrefix(name, "Sec-Websocket-") || name == "Upgrade" || name == "Connection" {
			h.Del(name) // the library has its own
		}
	}
	c, _, err := websocket.Dial(ctx, r.p.url+head.RequestURI, &websocket.DialOptions{HTTPClient: r.p.trusting(false), HTTPHeader: h})
	if err != nil {
		return reply{}, err
	}
	c.SetReadLimit(1 << 20)
	for line := range strings.Lines(body) {
		if err := c.Write(ctx, websocket.MessageText, []byte(strings.TrimSuffix(line, "\n"))); err != nil {
			return reply{}, err
		}
	}
	next := func() ([]byte, error) {
		_, b, err := c.Read(ctx)
		if websocket.CloseStatus(err) == websocket.StatusGoingAway || websocket.CloseStatus(err) == websocket.StatusPolicyViolation {
			return nil, io.EOF
		}
		return b, err
	}
	return reply{status: status, next: next, close: func() { _ = c.CloseNow() }}, nil
}

// handshake sends the head of a WebSocket byte for byte, and checks what the hub
// makes of its key.
func (r *reader) handshake(ctx context.Context, head *http.Request) (status int, err error) {
	host := strings.TrimPrefix(r.p.url, "https://")
	conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: pool(r.t, r.says["CA"]), NextProtos: []string{"http/1.1"}}}).DialContext(ctx, "tcp", host)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", head.Method, head.RequestURI, host)
	if err := head.Header.Write(&b); err != nil {
		return 0, err
	}
	if _, err := conn.Write(append(b.Bytes(), "\r\n"...)); err != nil {
		return 0, err
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), head)
	if err != nil {
		return 0, err
	}
	sum := sha1.Sum([]byte(head.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // RFC 6455, section 1.3
	if got, want := res.Header.Get("Sec-WebSocket-Accept"), base64.StdEncoding.EncodeToString(sum[:]); res.StatusCode == http.StatusSwitchingProtocols && got != want {
		return 0, fmt.Errorf("the key is accepted with %q, not %q", got, want)
	}
	if got := res.Header.Get("Sec-WebSocket-Extensions"); got != "" {
		return 0, fmt.Errorf("the hub takes extensions: %s", got)
	}
	return res.StatusCode, nil
}
