package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// operator is a client of a hub's admin listener.
type operator struct {
	t    *testing.T
	http http.Client
	url  string
}

// operate returns a client of the listener that the hub says it has.
func (p *process) operate() *operator {
	p.t.Helper()
	select {
	case m := <-p.log.waitFor(regexp.MustCompile(`admin_addr=(\S+)`)):
		network, addr := "tcp", m[1]
		if strings.HasPrefix(addr, "/") {
			network = "unix"
		}
		tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr)
		}}
		p.t.Cleanup(tr.CloseIdleConnections)
		return &operator{p.t, http.Client{Transport: tr}, "http://localhost"}
	case <-time.After(startWithin):
		p.t.Fatalf("no admin listener is named in the log:\n%s", p.log)
		return nil
	}
}

func (o *operator) get(path string, header ...string) (status int, body []byte) {
	o.t.Helper()
	r, err := http.NewRequestWithContext(o.t.Context(), http.MethodGet, o.url+path, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	res, err := o.http.Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(res.Body); err != nil {
		o.t.Fatal(err)
	}
	return res.StatusCode, body
}

// profile fetches one and returns what is in it.
func (o *operator) profile(path string) []byte {
	o.t.Helper()
	status, body := o.get(path)
	z, err := gzip.NewReader(bytes.NewReader(body))
	if status != http.StatusOK || err != nil {
		o.t.Fatalf("%s: %d, %v: %.200q", path, status, err, body)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		o.t.Fatal(err)
	}
	return plain
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), "--admin", "127.0.0.1:0")
	o := p.operate()
	if heap := o.profile("/debug/pprof/heap"); !bytes.Contains(heap, []byte("inuse_space")) || !bytes.Contains(heap, []byte("nats-server")) {
		t.Errorf("a heap profile of %d bytes says nothing of the log's server", len(heap))
	}
	if cpu := o.profile("/debug/pprof/profile?seconds=1"); !bytes.Contains(cpu, []byte("nanoseconds")) {
		t.Errorf("a CPU profile of %d bytes has no times", len(cpu))
	}
	for path, says := range map[string]string{
		"/metrics": "hub_append_seconds_bucket", "/healthz": "ok", "/readyz": "ok", "/readyz?for=commands": "ok",
		"/debug/pprof/": "goroutine", "/debug/pprof/goroutine?debug=1": "everything.local/",
	} {
		if status, body := o.get(path); status != http.StatusOK || !bytes.Contains(body, []byte(says)) {
			t.Errorf("%s: %d without %q", path, status, says)
		}
	}
	for path, header := range map[string][]string{
		"/healthz": {"Host", "evil.example"}, "/debug/pprof/heap": {"Sec-Fetch-Site", "cross-site"},
	} {
		if status, _ := o.get(path, header...); status != http.StatusForbidden {
			t.Errorf("%s with %v: %d", path, header, status)
		}
	}
	if status, _ := o.get("/v1/menu"); status != http.StatusNotFound {
		t.Errorf("the menu on the admin listener: %d", status)
	}
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/profile?seconds=1"} {
		if status, _, err := p.call(t.Context(), "", http.MethodGet, path, ""); err == nil && status != http.StatusNotFound {
			t.Errorf("%s on the main listener: %d, %v", path, status, err)
		}
	}
	if metrics := p.text("/metrics"); strings.Count(metrics, "\nhub_subscriptions ") != 1 {
		t.Error("the main listener's metrics do not name the subscriptions once")
	}
	checkOperations(t, p.text("/metrics"))
}

// checkOperations holds that each metric that docs/operations.md names exists.
func checkOperations(t *testing.T, metrics string) {
	t.Helper()
	named := regexp.MustCompile("`((?:hub|go|process)_\\w+)").FindAllStringSubmatch(read(t, "docs/operations.md"), -1)
	if len(named) < 15 {
		t.Errorf("only %d metrics are explained", len(named))
	}
	for _, m := range named {
		if !strings.Contains(metrics, "\n# TYPE "+m[1]+" ") {
			t.Errorf("docs/operations.md explains %s, which is not in the metrics", m[1])
		}
	}
}

// TestAdminSocket holds that a socket file is for the hub's user, survives a
// kill, is given up at the end, and that a profile holds up no stop.
func TestAdminSocket(t *testing.T) {
	t.Parallel()
	socket, data := filepath.Join(t.TempDir(), "admin"), t.TempDir()
	p := start(t, data, "--admin", "unix:"+socket)
	p.operate()
	p.kill()
	p = start(t, data, "--admin", "unix:"+socket, "--drain", "100ms")
	o := p.operate()
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info, err)
	}
	if status, _ := o.get("/healthz"); status != http.StatusOK {
		t.Errorf("health: %d", status)
	}
	second := launch(t, t.TempDir(), "--admin", "unix:"+socket)
	select {
	case err := <-second.ended:
		if err == nil || !strings.Contains(second.log.String(), "in use") {
			t.Errorf("a second hub on the socket: %v\n%s", err, second.log)
		}
	case <-time.After(startWithin):
		t.Error("a second hub took the socket")
	}
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	profiling := make(chan error, 1)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, o.url+"/debug/pprof/profile?seconds=50", nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		res, err := o.http.Do(r)
		if err == nil {
			err = res.Body.Close()
		}
		profiling <- err
	}()
	for busy := false; !busy; { // until the profile is being made
		_, goroutines := o.get("/debug/pprof/goroutine?debug=1")
		busy = bytes.Contains(goroutines, []byte("net/http/pprof.Profile+"))
	}
	took, err := p.stop()
	if err != nil || took > 15*time.Second {
		t.Errorf("the hub ended after %v with %v", took, err)
	}
	if err := <-profiling; err == nil {
		t.Error("a profile of 50 s was finished")
	}
	if _, err := os.Stat(socket); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}
