package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"everything.local/auth"
	"everything.local/event"
)

// TestTable prints which client gets through on which wire over which protocol,
// and writes it to wires.md in the folder ARTIFACTS, if that is set. A cell that
// is ok has just happened, one that is impossible says why, and any other fails
// the test.
func TestTable(t *testing.T) {
	began := time.Now()
	p := start(t, t.TempDir(), "--drain", "2s")
	p.must(p.token(auth.Customer, "early"), http.MethodPost, "/v1/orders", latte)
	rows := table(t, p)
	t.Logf("peers are ready after %v", time.Since(began))

	ctx, cancel := context.WithTimeout(t.Context(), 2*startWithin)
	defer cancel()
	var talking, leaving sync.WaitGroup
	stopped := make(chan struct{})
	for _, r := range rows {
		if r.peer == nil {
			continue
		}
		talking.Add(1)
		leaving.Go(func() {
			r.talk(ctx, p)
			talking.Done()
			<-stopped
			r.drain(ctx)
		})
	}
	talking.Wait()
	t.Logf("all are followed and resumed after %v", time.Since(began))
	close(stopped)
	took, err := p.stop()
	leaving.Wait()
	if err != nil || took > 20*time.Second {
		t.Errorf("the hub ended after %v with %v", took, err)
	}
	for _, r := range rows {
		r.check(t)
	}
	text := markdown(rows)
	t.Logf("the hub stopped in %v, all in %v\n\n%s", took, time.Since(began), text)
	if to := os.Getenv("ARTIFACTS"); to != "" {
		if err := errors.Join(os.MkdirAll(to, 0o755), os.WriteFile(filepath.Join(to, "wires.md"), []byte(text), 0o600)); err != nil {
			t.Error(err)
		}
	}
}

// row is one client on one wire over one protocol.
type row struct {
	wire, protocol, client string

	peer peer
	// why is why there is no peer.
	why string
	// noOrder is why the peer cannot order, empty if it can.
	noOrder string

	cells map[string]error
	feed  *following
	// at is the newest position that the peer has been sent.
	at event.Cursor
}

var (
	kinds   = [][2]string{{"ndjson", "h1"}, {"ndjson", "h2"}, {"ndjson", "h3"}, {"sse", "h1"}, {"sse", "h2"}, {"sse", "h3"}, {"ws", "h1"}, {"ws", "h2"}, {"ws", "h3"}, {"wt", "h3"}}
	clients = []string{"Go", "curl", "ngtcp2", "Chromium"}
	columns = []string{"connect", "order", "snapshot", "live", "resume", "drain"}
)

// impossible says why a client cannot speak a wire over a protocol, if so.
func impossible(client, wire, protocol string) string {
	switch {
	case wire == "ws" && protocol == "h2":
		return "net/http serves no extended CONNECT (RFC 8441) unless GODEBUG says so"
	case wire == "ws" && protocol == "h3":
		return "the hub takes WebSockets on HTTP/1.1 alone: on HTTP/3 (RFC 9220) WebTransport does it better"
	case client == "curl" && wire == "wt":
		return "libcurl has no WebTransport"
	case client == "ngtcp2" && protocol != "h3":
		return "gtlsclient speaks QUIC alone"
	case client == "ngtcp2" && wire == "wt":
		return "gtlsclient has no extended CONNECT"
	case client == "ngtcp2" && wire == "sse":
		return "gtlsclient cannot send Accept"
	}
	return ""
}

// table makes the rows and their peers.
func table(t *testing.T, p *process) (rows []*row) {
	t.Helper()
	library := buildPeer(t)
	pages := openPages(t, p)
	for _, kind := range kinds {
		for _, c := range clients {
			r := &row{wire: kind[0], protocol: kind[1], client: c, cells: map[string]error{}}
			rows = append(rows, r)
			if r.why = impossible(c, r.wire, r.protocol); r.why != "" {
				continue
			}
			switch c {
			case "Go":
				r.peer = newOurs(t, p, r.wire, r.protocol)
			case "curl":
				r.peer = newCurl(p, library, r.wire, r.protocol)
			case "ngtcp2":
				r.peer, r.noOrder = &ngtcp2{t: t, url: p.url}, "gtlsclient cannot send Authorization"
			case "Chromium":
				r.peer = pages(r.wire, r.protocol)
			}
		}
	}
	return rows
}

// check fails the test for what is neither ok nor impossible.
func (r *row) check(t *testing.T) {
	t.Helper()
	if r.peer == nil {
		return
	}
	for _, c := range columns {
		if err, done := r.cells[c]; err != nil || !done {
			t.Errorf("%s over %s by %s: %s: %v", r.wire, r.protocol, r.client, c, orElse(err, errors.New("not reached")))
		}
	}
}

// markdown is the table.
func markdown(rows []*row) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "| wire | protocol | client | %s | |\n|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)+4))
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s |", r.wire, r.protocol, r.client)
		for _, c := range columns {
			fmt.Fprintf(&b, " %s |", r.cell(c))
		}
		fmt.Fprintf(&b, " %s |\n", cmp.Or(r.why, r.noOrder))
	}
	return b.String()
}

func (r *row) cell(column string) string {
	err, done := r.cells[column]
	switch {
	case r.peer == nil || column == "order" && r.noOrder != "":
		return "impossible"
	case err != nil:
		return "FAILED"
	case !done:
		return "not reached"
	}
	return "ok"
}
