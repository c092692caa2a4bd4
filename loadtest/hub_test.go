package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"everything.local/loadtest/report"
)

// binary is the built hub.
var binary string

// TestMain builds the hub. The floor's server is this program again, which here
// is the test.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "bare" {
		main()
	}
	// These tests wait much more than they work.
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	dir, err := os.MkdirTemp("", "loadtest-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "hub")
	build := exec.Command("go", "build", "-o", binary, "everything.local/cmd/hub")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	code := 1
	if err := build.Run(); err == nil {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// startWithin is generous: the suite shares two cores with itself.
const startWithin = time.Minute

// hub is a running one.
type hub struct {
	url, data, token string
	pid              int
}

// start runs a hub for a test.
func start(t *testing.T, flags ...string) *hub {
	t.Helper()
	h := &hub{data: t.TempDir()}
	c := exec.Command(binary, append([]string{"serve", "--listen", "127.0.0.1:0", "--data", h.data, "--drain", "0s", "--log-level", "error"}, flags...)...)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		if err := c.Wait(); err != nil {
			t.Errorf("the hub ended with %v", err)
		}
	})
	watchdog := time.AfterFunc(startWithin, func() { _ = c.Process.Kill() })
	defer watchdog.Stop()
	var said bytes.Buffer
	open := regexp.MustCompile(`is open: https://localhost:(\d+)`)
	for b := make([]byte, 1<<10); h.url == ""; {
		n, err := out.Read(b)
		if err != nil {
			t.Fatalf("the hub is not open: %v\n%s", err, &said)
		}
		said.Write(b[:n])
		if m := open.FindStringSubmatch(said.String()); m != nil {
			h.url = "https://127.0.0.1:" + m[1]
		}
	}
	h.pid = c.Process.Pid
	h.sign(t)
	return h
}

// sign makes the token that runs are made with.
func (h *hub) sign(t *testing.T) {
	t.Helper()
	token, err := exec.Command(binary, "token", "--role", "admin", "--sub", "load", "--data", h.data).Output()
	if err != nil {
		t.Fatal(err)
	}
	h.token = filepath.Join(h.data, "token")
	if err := os.WriteFile(h.token, bytes.TrimSpace(token), 0o600); err != nil {
		t.Fatal(err)
	}
}

// outcome is what a run came to.
type outcome struct {
	result      report.Result
	page        string
	table, said string
	err         error
}

// load runs a scenario against a hub.
func (h *hub) load(t *testing.T, args ...string) *outcome {
	t.Helper()
	return h.at(t, h.url, filepath.Join(h.data, "tls", "ca.pem"), args...)
}

// at runs a scenario against an address that answers for the hub.
func (h *hub) at(t *testing.T, url, ca string, args ...string) *outcome {
	t.Helper()
	dir := t.TempDir()
	file, page := filepath.Join(dir, "result.json"), filepath.Join(dir, "result.html")
	args = append(args, "--target", url, "--token-file", h.token, "--ca", ca, "--fsync-dir", h.data, "--json", file, "--html", page)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out, said strings.Builder
	o := &outcome{err: run(ctx, args, &out, &said)}
	o.table, o.said = out.String(), said.String()
	if b, err := os.ReadFile(file); err == nil {
		if err := json.Unmarshal(b, &o.result); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(page); err == nil {
		o.page = string(b)
	}
	return o
}

// passed fails the test unless the run did and each wire was sent so much.
func (o *outcome) passed(t *testing.T, wires []string, expected uint64) {
	t.Helper()
	if o.err != nil || !o.result.Passed {
		t.Fatalf("%v, violations %q\n%s\n%s", o.err, o.result.Violations, o.said, o.table)
	}
	if len(o.result.Wires) != len(wires) {
		t.Errorf("wires %v, want %v", o.result.Wires, wires)
	}
	for _, name := range wires {
		w := o.result.Wires[name]
		if w.Expected != expected || w.Delivered+w.Conflated != w.Expected || w.Gaps+w.Repeats+w.Reordered+w.Altered+w.Resets != 0 {
			t.Errorf("%s: %+v, want %d", name, w, expected)
		}
	}
	if !strings.Contains(o.table, "passed") || !strings.Contains(o.page, "Passed") {
		t.Errorf("the table or the page does not say that it passed:\n%s", o.table)
	}
}
