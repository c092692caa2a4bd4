package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"everything.local/event"
)

// TestFlood opens connections to the built hub from one address as fast as it
// can, until that address is told to slow down; others get the menu meanwhile,
// and the metrics say what happened.
func TestFlood(t *testing.T) {
	p := start(t, t.TempDir(), "--memory", "256MiB")
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 66, 0, 1)}}
	ctx, stop := context.WithTimeout(t.Context(), startWithin)
	defer stop()
	var flood sync.WaitGroup
	flood.Go(func() {
		for {
			c, err := from.DialContext(ctx, "tcp", strings.TrimPrefix(p.url, "https://"))
			if err == nil {
				err = c.Close()
			}
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	told := false
	for !told && ctx.Err() == nil {
		told = p.told(from)
		const within = 3 * time.Second // some milliseconds on a machine of its own
		began := time.Now()
		p.text("/v1/menu")
		if took := time.Since(began); took > within {
			t.Errorf("the menu took %v meanwhile", took)
		}
	}
	stop()
	flood.Wait()
	if !told {
		t.Fatal("nobody was told to slow down")
	}
	metrics := p.text("/metrics")
	for _, want := range []struct {
		name  string
		least float64
	}{
		{`hub_requests_refused_total\{reason="rate"\}`, 0},
		{`hub_memory_budget_bytes`, 256 << 20},
		{`hub_memory_used_bytes`, 1 << 20},
		{`hub_memory_short`, 0},
		{`hub_connections_refused_total\{reason="rate"\}`, 1},
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

// told reports whether a request on a connection of its own is answered 429, in
// full. Or it was served still, or the hub hung up: it tells some only.
func (p *process) told(from *net.Dialer) bool {
	c := p.trusting(false)
	c.Transport.(*http.Transport).DialContext = from.DialContext
	defer c.CloseIdleConnections()
	resp, err := c.Get(p.url + "/v1/menu")
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	var problem struct{ Code event.Code }
	err = json.NewDecoder(resp.Body).Decode(&problem)
	return resp.StatusCode == http.StatusTooManyRequests && err == nil &&
		problem.Code == event.TooManyRequests && resp.Header.Get("Retry-After") != ""
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
