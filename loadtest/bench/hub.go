package bench

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"everything.local/loadtest/meter"
)

// build makes the hub's program in dir.
func build(ctx context.Context, dir string, out io.Writer) (string, error) {
	program := filepath.Join(dir, "hub")
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, "everything.local/cmd/hub")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	c.Stdout, c.Stderr = out, out
	return program, c.Run()
}

// hub is a running one, on a data directory and a port of its own.
type hub struct {
	cmd   *exec.Cmd
	data  string
	url   *url.URL
	tls   *tls.Config
	token string
	// traced says that the process is a tracer's, whose child is the hub.
	traced bool
}

// startWithin is how long a hub may take to open.
const startWithin = time.Minute

var opened = regexp.MustCompile(`is open: https://localhost:(\d+)`)

// start runs the hub's program on the first core, behind what is before it: a
// tracer that makes its disk slow.
func start(ctx context.Context, program, dir string, before ...string) (*hub, error) {
	data, err := os.MkdirTemp(dir, "data-")
	if err != nil {
		return nil, err
	}
	h := &hub{data: data, traced: len(before) > 0}
	args := append(slices.Clone(before), program, "serve", "--mode", "test", "--listen", "127.0.0.1:0", "--data", data, "--drain", "0s", "--log-level", "error")
	h.cmd = exec.CommandContext(ctx, args[0], args[1:]...)
	h.cmd.Cancel = h.end
	h.cmd.Stderr = os.Stderr
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := meter.StartOn(0, h.cmd); err != nil {
		return nil, err
	}
	if err := h.await(out); err != nil {
		return nil, errors.Join(err, h.stop())
	}
	if err := h.open(ctx, program); err != nil {
		return nil, errors.Join(err, h.stop())
	}
	return h, nil
}

// await reads what the hub says until it is open.
func (h *hub) await(out io.ReadCloser) error {
	watchdog := time.AfterFunc(startWithin, func() { _ = h.cmd.Process.Kill() })
	defer watchdog.Stop()
	var said bytes.Buffer
	for b := make([]byte, 1<<10); ; {
		n, err := out.Read(b)
		if err != nil {
			return fmt.Errorf("the hub is not open: %w: %s", err, &said)
		}
		said.Write(b[:n])
		if m := opened.FindStringSubmatch(said.String()); m != nil {
			h.url, err = url.Parse("https://127.0.0.1:" + m[1])
			return err
		}
	}
}

// open gets what is needed to be let in.
func (h *hub) open(ctx context.Context, program string) error {
	pem, err := os.ReadFile(filepath.Join(h.data, "tls", "ca.pem"))
	if err != nil {
		return err
	}
	h.tls = &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "127.0.0.1", MinVersion: tls.VersionTLS13}
	if !h.tls.RootCAs.AppendCertsFromPEM(pem) {
		return errors.New("the hub's authority cannot be read")
	}
	token, err := exec.CommandContext(ctx, program, "token", "--role", "admin", "--sub", "bench", "--data", h.data).Output()
	h.token = strings.TrimSpace(string(token))
	return err
}

// end asks the hub to end. A tracer ends with the hub; were it asked itself, it
// would leave the hub behind.
func (h *hub) end() error {
	if !h.traced {
		return h.cmd.Process.Signal(syscall.SIGTERM)
	}
	pid := h.cmd.Process.Pid
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return err
	}
	for child := range strings.FieldsSeq(string(b)) {
		id, e := strconv.Atoi(child)
		if e == nil {
			e = syscall.Kill(id, syscall.SIGTERM)
		}
		err = errors.Join(err, e)
	}
	return err
}

// stop ends the hub and removes its data.
func (h *hub) stop() error {
	_ = h.end() // it may have gone, which Wait tells
	return errors.Join(h.cmd.Wait(), os.RemoveAll(h.data))
}
