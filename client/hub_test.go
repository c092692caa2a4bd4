package client_test

import (
	"bufio"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"everything.local/client"
	"everything.local/transport/transporttest"
)

// binary is the built hub; theHub is one of it that runs for all tests that do
// not end it, and for the examples.
var (
	binary string
	theHub *process
)

// TestMain also holds that streams and watches leave nothing running.
func TestMain(m *testing.M) {
	os.Exit(withHub(func() int { return transporttest.Settled(m) }))
}

func withHub(run func() int) int {
	dir, err := os.MkdirTemp("", "client-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "hub")
	build := exec.Command("go", "build", "-o", binary, "../cmd/hub")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return 1
	}
	if theHub, err = start(filepath.Join(dir, "data"), "127.0.0.1:0"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer theHub.kill()
	return run()
}

// process is a running hub.
type process struct {
	cmd       *exec.Cmd
	data, url string
	roots     *x509.CertPool
	rest      chan struct{}
}

// start runs the hub and returns once it is open.
func start(data, listen string) (*process, error) {
	p := &process{data: data, rest: make(chan struct{})}
	p.cmd = exec.Command(binary, "serve", "--listen", listen, "--data", data, "--log-level", "error", "--drain", "1s")
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	opened := regexp.MustCompile(`is open: (https://localhost:\d+)`)
	lines := bufio.NewScanner(out)
	for p.url == "" {
		if !lines.Scan() {
			return nil, errors.Join(errors.New("the hub does not open"), p.cmd.Wait())
		}
		if m := opened.FindStringSubmatch(lines.Text()); m != nil {
			p.url = m[1]
		}
	}
	go func() {
		defer close(p.rest)
		for lines.Scan() {
		}
	}()
	pem, err := os.ReadFile(filepath.Join(data, "tls", "ca.pem"))
	if err != nil {
		return nil, err
	}
	p.roots = x509.NewCertPool()
	p.roots.AppendCertsFromPEM(pem)
	return p, nil
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.rest
	_ = p.cmd.Wait()
}

// stop is SIGTERM: clients are told to go.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	<-p.rest
	return p.cmd.Wait()
}

// listen is the address to start another hub on.
func (p *process) listen() string {
	u, err := url.Parse(p.url)
	if err != nil {
		panic(err)
	}
	return net.JoinHostPort("127.0.0.1", u.Port())
}

// client returns one of this hub, closed with the test.
func (p *process) client(t *testing.T, c client.Config) *client.Client {
	t.Helper()
	if c.Hubs == nil {
		c.Hubs = []string{p.url}
	}
	c.RootCAs = p.roots
	cl, err := client.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cl.Close(); err != nil {
			t.Error(err)
		}
	})
	return cl
}

// token signs one.
func (p *process) token(t *testing.T, role, sub string) client.TokenSource {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), binary, "token", "--role", role, "--sub", sub, "--data", p.data).Output()
	if err != nil {
		t.Fatal(err)
	}
	return client.StaticToken(strings.TrimSpace(string(out)))
}
