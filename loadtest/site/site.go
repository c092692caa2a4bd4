// Package site gives a hub its commands and reads its state over its public
// API, as fast as a load test needs.
package site

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

const (
	// lines is how many connections carry commands: so many can be in flight.
	lines = 256
	// within bounds a command: a hub itself gives up after 10 s.
	within = 15 * time.Second
	// maxAnswer bounds an answer: a menu of 500 items has less.
	maxAnswer = 4 << 20
)

// Site is a hub's API, as one caller. It may be used by many goroutines.
type Site struct {
	base  string
	token string
	http  *http.Client
	tls   *tls.Config
	// patience is how long a command is sent again that was not answered, or
	// not clearly.
	patience time.Duration
}

// New returns the API of the hub at base, like https://127.0.0.1:8443.
func New(base, token string, t *tls.Config) *Site {
	return &Site{base: base, token: token, tls: t, http: client(t, netip.Addr{})}
}

// client uses HTTP/1.1, whose commands cost a hub the least, from an address or
// any.
func client(t *tls.Config, from netip.Addr) *http.Client {
	dialer := &net.Dialer{}
	if from.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Client{Timeout: within, Transport: &http.Transport{
		TLSClientConfig: t.Clone(), Protocols: protocols, DialContext: dialer.DialContext,
		MaxConnsPerHost: lines, MaxIdleConnsPerHost: lines, DisableCompression: true,
	}}
}

// Close ends what is open.
func (s *Site) Close() { s.http.CloseIdleConnections() }

// As returns the API for another caller.
func (s *Site) As(token string) *Site {
	as := *s
	as.token = token
	return &as
}

// Patient returns the API for a hub that is down at times: a command is sent
// again under its key until it is answered, for as long as patience. It takes
// effect once.
func (s *Site) Patient(patience time.Duration) *Site {
	patient := *s
	patient.patience = patience
	return &patient
}

// sendAgain is the wait before a command is sent again.
const sendAgain = 100 * time.Millisecond

// Refusal is an answer that is none: whether the command took effect is known
// unless Unclear.
type Refusal struct {
	Status  int
	Code    string
	Detail  string
	Unclear bool
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("the hub answered %d %s: %s", r.Status, r.Code, r.Detail)
}

// Refused reports whether err says that a command certainly had no effect.
func Refused(err error) bool {
	r, ok := errors.AsType[*Refusal](err)
	return ok && !r.Unclear
}

// Code is the hub's code for a refusal, "" for anything else.
func Code(err error) string {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Code
	}
	return ""
}

// call makes one request and decodes its answer into out, if that is
// not nil, or copies it if that is a *[]byte. It returns the answer's header.
func (s *Site) call(ctx context.Context, method, path string, in, out any) (http.Header, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, err
		}
	}
	key := rand.Text()
	for until := time.Now().Add(s.patience); ; {
		header, err := s.try(ctx, method, path, key, body, out)
		if err == nil || Refused(err) || ctx.Err() != nil || !time.Now().Before(until) {
			return header, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(sendAgain):
		}
	}
}

// try makes a request once; in is its body, nil for none.
func (s *Site) try(ctx context.Context, method, path, key string, in []byte, out any) (http.Header, error) {
	var body io.Reader
	if in != nil {
		body = bytes.NewReader(in)
	}
	r, err := http.NewRequestWithContext(ctx, method, s.base+path, body)
	if err != nil {
		return nil, err
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if s.token != "" {
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	if method != http.MethodGet {
		r.Header.Set("Idempotency-Key", key)
	}
	answer, err := s.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode > 299 {
		problem := struct{ Code, Detail string }{}
		_ = json.Unmarshal(b, &problem) // a proxy's is none
		return nil, &Refusal{answer.StatusCode, problem.Code, problem.Detail, answer.StatusCode >= 500}
	}
	if out == nil {
		return answer.Header, nil
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = b
		return answer.Header, nil
	}
	return answer.Header, json.Unmarshal(b, out)
}

// Hub is what a hub says of itself.
type Hub struct {
	Site, Mode, Epoch, Version string
	Wires                      []string
}

// Hub asks the hub what it is.
func (s *Site) Hub(ctx context.Context) (h Hub, err error) {
	_, err = s.call(ctx, http.MethodGet, "/v1/hub", nil, &h)
	return h, err
}

// Cursor is how far the hub is: everything answered before is in it.
func (s *Site) Cursor(ctx context.Context) (string, error) {
	answer, err := s.call(ctx, http.MethodGet, "/v1/announcements", nil, nil)
	if err != nil {
		return "", err
	}
	at := answer.Get("Hub-Cursor")
	if at == "" {
		return "", errors.New("the hub's answer has no Hub-Cursor")
	}
	return at, nil
}

// Ping is one round trip with nothing behind it.
func (s *Site) Ping(ctx context.Context) error {
	_, err := s.call(ctx, http.MethodGet, "/healthz", nil, new([]byte))
	return err
}

// Metric reads some of the hub's metrics, by their names without labels; a
// name with labels counts as the sum of its series.
func (s *Site) Metric(ctx context.Context, names ...string) (map[string]float64, error) {
	var text []byte
	if _, err := s.call(ctx, http.MethodGet, "/metrics", nil, &text); err != nil {
		return nil, err
	}
	values := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		series, number, ok := strings.Cut(strings.TrimSpace(line), " ")
		if i := strings.LastIndexByte(line, '}'); i >= 0 && ok {
			series, number = line[:strings.IndexByte(line, '{')], strings.TrimSpace(line[i+1:])
		}
		for _, name := range names {
			var v float64
			if series != name {
				continue
			}
			if _, err := fmt.Sscan(number, &v); err != nil {
				return nil, fmt.Errorf("metric %s: %w", name, err)
			}
			values[name] += v
		}
	}
	return values, nil
}
