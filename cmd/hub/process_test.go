package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"everything.local/auth"
	"everything.local/event"
)

// binary is the built hub that process tests run.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "hub-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "hub")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	code := 1
	if err := build.Run(); err == nil {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// process is a running hub.
type process struct {
	t      *testing.T
	data   string
	url    string
	client *http.Client
	cmd    *exec.Cmd
	out    *transcript
	log    *transcript
	ended  chan error
}

// startWithin is generous: the suite shares two cores with itself.
const startWithin = 60 * time.Second

// start runs the binary on data and waits until it says that it is open.
func start(t *testing.T, data string, flags ...string) *process {
	t.Helper()
	p := launch(t, data, flags...)
	opened := regexp.MustCompile(`is open: https://localhost:(\d+)`)
	select {
	case m := <-p.out.waitFor(opened):
		p.url = "https://127.0.0.1:" + m[1]
	case err := <-p.ended:
		t.Fatalf("hub ended: %v\n%s", err, p.log)
	case <-time.After(startWithin):
		t.Fatalf("hub is not open after %v\n%s", startWithin, p.log)
	}
	p.client = p.trusting(true)
	return p
}

// launch runs the binary without waiting for anything.
func launch(t *testing.T, data string, flags ...string) *process {
	t.Helper()
	p := &process{t: t, data: data, out: newTranscript(), log: newTranscript(), ended: make(chan error, 1)}
	args := append([]string{"serve", "--listen", "127.0.0.1:0", "--data", data}, flags...)
	p.cmd = exec.Command(binary, args...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		if t.Failed() {
			t.Logf("log of the hub on %s:\n%s", data, p.log)
		}
	})
	return p
}

// kill is kill -9.
func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	if err := <-p.ended; err == nil {
		p.t.Error("the hub ended well although it was killed")
	}
}

// stop is SIGTERM; it returns the exit error and how long it took.
func (p *process) stop() (time.Duration, error) {
	p.t.Helper()
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err := <-p.ended:
		return time.Since(began), err
	case <-time.After(startWithin):
		p.t.Fatalf("hub did not end\n%s", p.log)
		return 0, nil
	}
}

// trusting returns a client that trusts the hub's own authority.
func (p *process) trusting(h2 bool) *http.Client {
	p.t.Helper()
	pem, err := os.ReadFile(filepath.Join(tlsDir(p.data), "ca.pem"))
	if err != nil {
		p.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!h2)
	protocols.SetHTTP2(h2)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}, Protocols: protocols}
	p.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// token signs one with the hub's own keys.
func (p *process) token(role auth.Role, sub string) string {
	p.t.Helper()
	keys, err := auth.OpenKeys(keysDir(p.data))
	if err != nil {
		p.t.Fatal(err)
	}
	token, err := keys.Sign(auth.Claims{Role: role, Subject: sub})
	if err != nil {
		p.t.Fatal(err)
	}
	return token
}

// call makes a request and decodes the answer's JSON.
func (p *process) call(ctx context.Context, token, method, path, body string, header ...string) (status int, answer map[string]any, err error) {
	r, err := http.NewRequestWithContext(ctx, method, p.url+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := p.client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, nil, err
	}
	if len(b) > 0 {
		if err := json.Unmarshal(b, &answer); err != nil {
			return 0, nil, fmt.Errorf("%s %s: %w: %s", method, path, err, b)
		}
	}
	return res.StatusCode, answer, nil
}

// must is call for requests that have to succeed.
func (p *process) must(token, method, path, body string, header ...string) map[string]any {
	p.t.Helper()
	status, answer, err := p.call(p.t.Context(), token, method, path, body, header...)
	if err != nil {
		p.t.Fatal(err)
	}
	if status >= 300 {
		p.t.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
	return answer
}

// feed follows topics until fn says so or the feed ends.
func (p *process) feed(ctx context.Context, token, query string, fn func(event.Frame) (done bool)) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/v1/feed?"+query, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/x-ndjson")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := p.client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(res.Body)
		return fmt.Errorf("feed: %s: %s", res.Status, b)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var f event.Frame
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			return fmt.Errorf("frame %q: %w", lines.Bytes(), err)
		}
		if fn(f) {
			return nil
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.EOF
}

// transcript collects what a process writes and tells who waits for a line.
type transcript struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	waiters map[*regexp.Regexp]chan []string
}

func newTranscript() *transcript {
	return &transcript{waiters: map[*regexp.Regexp]chan []string{}}
}

// Write implements io.Writer.
func (tr *transcript) Write(b []byte) (int, error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.buf.Write(b)
	tr.tell()
	return len(b), nil
}

func (tr *transcript) tell() {
	for re, ch := range tr.waiters {
		if m := re.FindStringSubmatch(tr.buf.String()); m != nil {
			ch <- m
			delete(tr.waiters, re)
		}
	}
}

// waitFor delivers the first match, once.
func (tr *transcript) waitFor(re *regexp.Regexp) <-chan []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	ch := make(chan []string, 1)
	tr.waiters[re] = ch
	tr.tell()
	return ch
}

// String returns everything written so far.
func (tr *transcript) String() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.buf.String()
}
