package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// TestDoctoredHub puts somebody between the hub and the harness who leaves out,
// repeats, swaps or alters what one watcher is sent. The run must fail and say
// who missed what.
func TestDoctoredHub(t *testing.T) {
	t.Parallel()
	h := start(t, "--mode", "test")
	for _, c := range []struct {
		name, told string
		doctor     func(n int, line []byte, before []byte) [][]byte
	}{
		{"leaves out", "never came", func(n int, line, _ []byte) [][]byte {
			// The last message of its key, which nothing makes up for.
			if n == 28 {
				return nil
			}
			return [][]byte{line}
		}},
		{"repeats", "came again", func(n int, line, _ []byte) [][]byte {
			if n == 7 {
				return [][]byte{line, line}
			}
			return [][]byte{line}
		}},
		{"alters", "not what others saw", func(n int, line, _ []byte) [][]byte {
			if n == 7 {
				line = bytes.Replace(line, []byte("Load test 0"), []byte("Lord test 0"), 1)
			}
			return [][]byte{line}
		}},
		{"swaps", "came after", func(n int, line, before []byte) [][]byte {
			switch n {
			case 7:
				return nil
			case 8:
				return [][]byte{line, before}
			}
			return [][]byte{line}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, ca := between(t, h, c.doctor)
			o := h.at(t, url, ca, "fanout", "--wire", "ndjson", "--watchers", "3", "--rate", "30", "--for", "1s", "--keys", "50", "--no-floor")
			told := strings.Join(o.result.Violations, "; ")
			if !errors.Is(o.err, errViolated) || o.result.Passed || !strings.Contains(told, c.told) || !strings.Contains(told, "watcher") {
				t.Errorf("%v, told %q, want %q\n%s", o.err, told, c.told, o.said)
			}
			if exitCode(o.err) != 1 || !strings.Contains(o.table, "FAILED") || !strings.Contains(o.page, "Failed") {
				t.Errorf("the failure is not shown:\n%s", o.table)
			}
		})
	}
}

// between is a proxy that doctors the entries of the second feed that is opened
// through it.
func between(t *testing.T, h *hub, doctor func(n int, line, before []byte) [][]byte) (address, ca string) {
	t.Helper()
	target, err := url.Parse(h.url)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := os.ReadFile(filepath.Join(h.data, "tls", "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	var feeds atomic.Int64
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.FlushInterval = -1
	proxy.ErrorLog = nil
	upstream := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}}
	t.Cleanup(upstream.CloseIdleConnections)
	proxy.Transport = upstream
	proxy.ModifyResponse = func(r *http.Response) error {
		if r.Request.URL.Path == "/v1/feed" && feeds.Add(1) == 2 {
			r.Body = doctored(r.Body, doctor)
		}
		return nil
	}
	s := httptest.NewUnstartedServer(proxy)
	s.StartTLS()
	t.Cleanup(s.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return s.URL, ca
}

// doctored passes lines on, entries through doctor.
func doctored(from io.ReadCloser, doctor func(n int, line, before []byte) [][]byte) io.ReadCloser {
	r, w := io.Pipe()
	go func() {
		defer from.Close()
		var rest, before []byte
		n := 0
		for b := make([]byte, 4<<10); ; {
			got, err := from.Read(b)
			rest = append(rest, b[:got]...)
			for {
				line, after, ok := bytes.Cut(rest, []byte("\n"))
				if !ok {
					break
				}
				rest = bytes.Clone(after)
				out := [][]byte{line}
				if bytes.Contains(line, []byte(`"value"`)) {
					out = doctor(n, line, before)
					before = line
					n++
				}
				for _, l := range out {
					if _, e := w.Write(append(bytes.Clone(l), '\n')); e != nil {
						return
					}
				}
			}
			if err != nil {
				w.CloseWithError(err)
				return
			}
		}
	}()
	return r
}
