package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quic-go/quic-go/http3"

	"everything.local/client"
)

// over returns a client that speaks one protocol: h1, h2 or h3.
func (p *process) over(protocol string) *http.Client {
	p.t.Helper()
	if protocol != "h3" {
		return p.trusting(protocol == "h2")
	}
	tr := &http3.Transport{TLSClientConfig: &tls.Config{RootCAs: pool(p.t, filepath.Join(tlsDir(p.data), "ca.pem")), MinVersion: tls.VersionTLS13}}
	p.t.Cleanup(func() { _ = tr.Close() })
	return &http.Client{Transport: tr}
}

// ours is the peer that is no stranger: the client of this repository, and
// beside feeds the standard library and quic-go.
type ours struct {
	url    string
	client *client.Client
	web    *http.Client
}

func newOurs(t *testing.T, p *process, wire, protocol string) *ours {
	t.Helper()
	c, err := client.New(client.Config{
		Hubs: []string{p.url}, RootCAs: pool(t, filepath.Join(tlsDir(p.data), "ca.pem")), Wire: client.Wire(wire),
		Protocol: map[string]client.Protocol{"h1": client.HTTP1, "h2": client.HTTP2, "h3": client.HTTP3}[protocol],
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &ours{p.url, c, p.over(protocol)}
}

func (o *ours) request(ctx context.Context, r request) (answer, error) {
	hr, err := http.NewRequestWithContext(ctx, r.method, o.url+r.path, strings.NewReader(r.body))
	if err != nil {
		return answer{}, err
	}
	if r.body != "" {
		hr.Header.Set("Content-Type", "application/json")
	}
	if r.token != "" {
		hr.Header.Set("Authorization", "Bearer "+r.token)
	}
	res, err := o.web.Do(hr)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answer{strings.TrimSuffix(res.Proto, ".0"), res.StatusCode, res.Header, b}, err
}

func (o *ours) follow(ctx context.Context, ask subscription) (*following, error) {
	return followBy(ctx, func(ctx context.Context, f *following, open func(string)) error {
		s, err := o.client.Follow(ctx, client.Request{Topics: strings.Split(ask.Topics, ","), After: ask.After})
		if err != nil {
			return err
		}
		defer s.Close()
		open(s.Protocol())
		for {
			frame, err := s.Next()
			switch {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil:
				return err
			}
			if err := f.send(ctx, frame.Raw); err != nil {
				return err
			}
		}
	})
}
