package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"everything.local/auth"
	"everything.local/event"
)

// series is the value of one series on /metrics.
func series(t *testing.T, metrics, name string) float64 {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(metrics)
	if m == nil {
		t.Fatalf("there is no %s in the metrics", name)
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestFeedMetrics holds what the metrics say of a feed against what came by it.
func TestFeedMetrics(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	staff := p.token(auth.Barista, "bob")
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	live, shown, ended := make(chan struct{}), make(chan int, 1), make(chan error, 1)
	go func() {
		frames := 0
		ended <- p.feed(ctx, staff, "topics=kitchen", func(f event.Frame) bool {
			frames++
			if f.Live {
				close(live)
			}
			if strings.Contains(string(f.Value), `"status":"placed"`) {
				shown <- frames
			}
			return false
		})
	}()
	await := func(what <-chan struct{}) {
		t.Helper()
		select {
		case <-what:
		case err := <-ended:
			t.Fatal(err)
		}
	}
	await(live)
	p.must(p.token(auth.Customer, "ada"), http.MethodPost, "/v1/orders", latte)
	select {
	case frames := <-shown:
		metrics := p.text("/metrics")
		// A ping may have gone, too.
		if sent := series(t, metrics, `hub_send_frames_sum{wire="ndjson"}`); sent < float64(frames) || sent > float64(frames+2) {
			t.Errorf("%v frames were sent, %d came", sent, frames)
		}
		sends := series(t, metrics, `hub_send_frames_count{wire="ndjson"}`)
		if sends < 2 || sends != series(t, metrics, `hub_send_bytes_count{wire="ndjson"}`) {
			t.Errorf("frames of %v sends", sends)
		}
		for _, name := range []string{"hub_feeds_behind", "hub_feeds_lag_events", "hub_feeds_lag_most_events"} {
			for _, wire := range []string{"ndjson", "sse", "ws", "wt"} {
				if v := series(t, metrics, fmt.Sprintf("%s{wire=%q}", name, wire)); v != 0 {
					t.Errorf("%s of %s is %v though all came", name, wire, v)
				}
			}
		}
	case err := <-ended:
		t.Fatal(err)
	}
	leave()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
