package main

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestEarlyData comes back to a hub with ngtcp2's client, whose first request
// then leaves in 0-RTT data: one that reads is served, one that writes is told
// 425 (RFC 8470), and a hub that was killed in between knows the client still.
func TestEarlyData(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	dir, data := t.TempDir(), t.TempDir()
	const mostTries = 5
	hub := start(t, data)
	files := []string{"--session-file=" + filepath.Join(dir, "session"), "--tp-file=" + filepath.Join(dir, "parameters")}
	first := &ngtcp2{t: t, url: hub.url, args: append([]string{"--wait-for-ticket"}, files...)}
	read := request{method: http.MethodGet, path: "/v1/menu"}
	write := request{method: http.MethodPost, path: "/v1/session", body: `{"name":"Ada"}`}
	ask := func(what string, n *ngtcp2, r request, early, taken bool, status int) {
		t.Helper()
		g, err := n.run(ctx, r, nil)
		// A hub that gets to a request when the handshake is through already, as one
		// on a busy machine may, knows that it is no replay (RFC 8470, section 3).
		for tries := 1; err == nil && status == http.StatusTooEarly && g.status == http.StatusOK && tries < mostTries; tries++ {
			g, err = n.run(ctx, r, nil)
		}
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		const rejected = "Early data was rejected by server"
		if said := g.transcript.String(); g.early != early || g.status != status || early && strings.Contains(said, rejected) == taken {
			t.Errorf("%s: in early data %v, want %v; status %d, want %d\n%s", what, g.early, early, g.status, status, said)
		}
	}
	ask("a stranger that writes", &ngtcp2{t: t, url: hub.url}, write, false, false, http.StatusOK)
	ask("a stranger that reads, and is given a ticket", first, read, false, false, http.StatusOK)
	back := &ngtcp2{t: t, url: hub.url, args: files}
	ask("one who comes back and reads", back, read, true, true, http.StatusOK)
	ask("one who comes back and writes", back, write, true, true, http.StatusTooEarly)

	hub.kill()
	back.url = start(t, data).url
	ask("after kill -9, one who writes", back, write, true, true, http.StatusTooEarly)
	ask("after kill -9, one who reads", back, read, true, true, http.StatusOK)

	back.url = start(t, t.TempDir()).url // of another site, with keys of its own
	ask("at another hub, one who reads", back, read, true, false, http.StatusOK)
}
