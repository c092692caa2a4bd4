package main

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

// TestPeersTrustTheHub asks with curl, which is strict about certificates: over
// every protocol the hub is who its own authority says and nobody's else, and
// sends nobody on to HTTP/3, which browsers do not use with such an authority.
func TestPeersTrustTheHub(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	hub, other := start(t, t.TempDir()), start(t, t.TempDir())
	library := buildPeer(t)
	for _, protocol := range []string{"h1", "h2", "h3"} {
		c := newCurl(hub, library, "", protocol)
		for _, path := range []string{"/v1/menu", "/healthz"} {
			a, err := c.request(ctx, request{method: http.MethodGet, path: path})
			if err != nil || a.status != http.StatusOK || a.protocol != speaks[protocol] {
				t.Errorf("%s: %s: %d over %s, %v", protocol, path, a.status, a.protocol, err)
			}
			if to := a.header.Values("Alt-Svc"); len(to) > 0 {
				t.Errorf("%s: %s: Alt-Svc %q", protocol, path, to)
			}
		}
		c.ca = filepath.Join(tlsDir(other.data), "ca.pem")
		if a, err := c.request(ctx, request{method: http.MethodGet, path: "/v1/menu"}); err == nil {
			t.Errorf("%s: curl trusts %v by the authority of another hub: %s", protocol, hub.url, a.body)
		}
	}
}

// TestLeafOfUDP looks at the certificate that UDP shows: browsers take it by its
// hash only if it is good for less than two weeks.
func TestLeafOfUDP(t *testing.T) {
	t.Parallel()
	hub := start(t, t.TempDir())
	s, err := outsider{hub, "localhost", pool(t, filepath.Join(tlsDir(hub.data), "ca.pem"))}.get(t, true)
	if err != nil {
		t.Fatal(err)
	}
	if good := s.leaf.NotAfter.Sub(s.leaf.NotBefore); good > 13*24*time.Hour {
		t.Errorf("it is good for %v", good)
	}
}
