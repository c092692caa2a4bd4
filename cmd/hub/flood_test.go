package main

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"everything.local/event"
)

// TestFlood sends the built hub requests from one address as fast as it can,
// until it is told to slow down; others get the menu meanwhile, and the metrics
// say what happened.
func TestFlood(t *testing.T) {
	p := start(t, t.TempDir(), "--memory", "256MiB")
	flooding := p.trusting(true)
	flooding.Transport.(*http.Transport).DialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 66, 0, 1)}}).DialContext
	var told atomic.Pointer[http.Response]
	var problem struct{ Code event.Code }
	var sent atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			const most = 200_000
			for told.Load() == nil && sent.Add(1) < most {
				resp, err := flooding.Get(p.url + "/v1/menu")
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(resp.Body)
				if err = errors.Join(err, resp.Body.Close()); err != nil {
					t.Error(err)
					return
				}
				if resp.StatusCode == http.StatusTooManyRequests && told.CompareAndSwap(nil, resp) {
					if err = json.Unmarshal(body, &problem); err != nil {
						t.Errorf("%s: %v", body, err)
					}
				}
			}
		})
	}
	const within = 3 * time.Second // some milliseconds on a machine of its own
	for told.Load() == nil && sent.Load() < 200_000 {
		began := time.Now()
		p.text("/v1/menu")
		if took := time.Since(began); took > within {
			t.Errorf("the menu took %v meanwhile", took)
		}
	}
	wg.Wait()
	if r := told.Load(); r == nil || problem.Code != event.TooManyRequests || r.Header.Get("Retry-After") == "" {
		t.Fatalf("after %d requests: %+v, %+v", sent.Load(), r, problem)
	}
	metrics := p.text("/metrics")
	for _, want := range []struct {
		name  string
		least float64
	}{
		{`hub_requests_refused_total\{reason="rate"\}`, 1},
		{`hub_memory_budget_bytes`, 256 << 20},
		{`hub_memory_used_bytes`, 1 << 20},
		{`hub_memory_short`, 0},
		{`hub_connections_refused_total\{reason="rate"\}`, 0},
		{`hub_connections_refused_total\{reason="memory"\}`, 0},
		{`hub_feeds_refused_total\{reason="feeds"\}`, 0},
		{`hub_quic_connections_open`, 0},
		{`hub_quic_retries_total`, 0},
	} {
		m := regexp.MustCompile(`(?m)^` + want.name + ` (\S+)$`).FindStringSubmatch(metrics)
		if m == nil {
			t.Errorf("no %s in the metrics", want.name)
		} else if v, err := strconv.ParseFloat(m[1], 64); err != nil || v < want.least {
			t.Errorf("%s is %s, want %v at least", want.name, m[1], want.least)
		}
	}
}

// text is what the hub answers to a GET.
func (p *process) text(path string) string {
	p.t.Helper()
	resp, err := p.client.Get(p.url + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		p.t.Fatalf("GET %s: %d, %v: %s", path, resp.StatusCode, err, b)
	}
	return string(b)
}
