package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"everything.local/auth"
	"everything.local/event"
	"everything.local/streams/disktest"
)

const (
	// smallDisk is diskFree and what the hub itself takes.
	smallDisk = 64 << 20
	// refusedWithin is how long a customer waits to hear that the disk is
	// full: much less than for a log that may still come.
	refusedWithin = 2 * time.Second
)

// TestFullDisk fills the disk under a hub that takes orders. It refuses them at
// once and says so, goes on showing what it has, and takes orders again when
// there is room, without a restart.
func TestFullDisk(t *testing.T) {
	data := disktest.Small(t, smallDisk)
	p := start(t, data, "--drain", "0s")
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	orders := &ledger{ids: map[string]string{}}
	live, shown := p.follow(t)
	<-live

	free := disktest.Fill(t, data, 128<<10)
	refused := orders.pourUntilRefused(t, p)
	t.Logf("%d orders were answered before the disk was full", len(orders.ids))
	p.checkRefusing(t, refused)
	free()
	p.waitWritable(t)
	if status := p.status(t, "/readyz?for=commands"); status != http.StatusOK {
		t.Errorf("readyz?for=commands: %d", status)
	}
	orders.settle(t, p)
	after := attempt{"after", p.token(auth.Customer, "late"), latte}
	id, err := after.place(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	orders.record(after.key, id)
	orders.check(t, p)
	// The feed that was open all the while has the last one, too.
	for deadline := time.After(startWithin); ; {
		select {
		case f, open := <-shown:
			if !open {
				t.Fatal("the feed ended")
			}
			if f.Stale != nil {
				t.Errorf("the feed was stale: %+v", f.Stale)
			}
			if f.Key != id {
				continue
			}
		case <-deadline:
			t.Fatal("the feed does not show the last order")
		}
		break
	}
	if _, err := p.stop(); err != nil {
		t.Errorf("exit: %v", err)
	}
	p = start(t, data)
	orders.check(t, p)
	p.kill() // before the disk goes away
}

// follow reads the kitchen's feed, whose frames it delivers, until the test
// ends or the feed does.
func (p *process) follow(t *testing.T) (live <-chan struct{}, shown <-chan event.Frame) {
	isLive, frames := make(chan struct{}), make(chan event.Frame, 100_000)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	token := p.token(auth.Barista, "bob")
	go func() {
		defer close(frames)
		ended <- p.feed(ctx, token, "topics=kitchen", func(f event.Frame) bool {
			if f.Live {
				close(isLive)
			}
			frames <- f
			return false
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err == nil {
			t.Error("the feed says that it was read to its end")
		}
	})
	return isLive, frames
}

// pourUntilRefused places orders until one is not taken, which it returns
// after having seen that the answer was quick.
func (l *ledger) pourUntilRefused(t *testing.T, p *process) attempt {
	t.Helper()
	var tokens []string
	for customer := range 500 {
		tokens = append(tokens, p.token(auth.Customer, fmt.Sprintf("customer-%d", customer)))
	}
	for n := range 5000 {
		key := fmt.Sprintf("key-%d", n)
		a := attempt{key, tokens[n%len(tokens)], fmt.Sprintf(`{"name":"Ada","items":[{"item":"latte","quantity":1}],"note":%q}`, key)}
		began := time.Now()
		status, answer, err := p.call(t.Context(), a.token, http.MethodPost, "/v1/orders", a.body, "Idempotency-Key", a.key)
		if err != nil {
			t.Fatal(err)
		}
		if status == http.StatusCreated {
			l.record(key, answer["order"].(map[string]any)["id"].(string))
			continue
		}
		if took := time.Since(began); took > refusedWithin {
			t.Errorf("the first refusal took %v", took)
		}
		if status != http.StatusServiceUnavailable || answer["code"] != string(event.Unavailable) {
			t.Fatalf("order %d: %d %v", n, status, answer)
		}
		l.unsure = append(l.unsure, a)
		return a
	}
	t.Fatal("the disk does not get full")
	return attempt{}
}

// checkRefusing holds what a hub does whose disk is full.
func (p *process) checkRefusing(t *testing.T, refused attempt) {
	t.Helper()
	for range 3 {
		began := time.Now()
		status, answer, err := p.call(t.Context(), refused.token, http.MethodPost, "/v1/orders", refused.body, "Idempotency-Key", refused.key)
		if took := time.Since(began); err != nil || status != http.StatusServiceUnavailable || took > refusedWithin {
			t.Errorf("again: %d %v %v after %v", status, answer, err, took)
		}
	}
	for path, want := range map[string]int{
		"/readyz?for=commands": http.StatusServiceUnavailable,
		"/readyz":              http.StatusOK, "/healthz": http.StatusOK, "/v1/menu": http.StatusOK,
	} {
		if status := p.status(t, path); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
	// Who comes in meanwhile is let in, without what their first order needs.
	began := time.Now()
	status, answer, err := p.call(t.Context(), "", http.MethodPost, "/v1/session", `{"name":"Ada"}`)
	if took := time.Since(began); err != nil || status != http.StatusOK || took > refusedWithin {
		t.Errorf("a guest signs in: %d %v %v after %v", status, answer, err, took)
	}
	if p.writable(t) {
		t.Error("/v1/hub says writable")
	}
	err = p.feed(t.Context(), "", "topics=board", func(f event.Frame) bool {
		if f.Stale != nil {
			t.Errorf("the board is stale: %+v", f.Stale)
		}
		return f.Live
	})
	if err != nil {
		t.Errorf("board: %v", err)
	}
}

func (p *process) status(t *testing.T, path string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func (p *process) writable(t *testing.T) bool {
	t.Helper()
	writable, ok := p.must("", http.MethodGet, "/v1/hub", "")["writable"].(bool)
	if !ok {
		t.Fatal("/v1/hub does not say whether it is writable")
	}
	return writable
}

// waitWritable waits until the hub has said that it goes on.
func (p *process) waitWritable(t *testing.T) {
	t.Helper()
	select {
	case <-p.log.waitFor(regexp.MustCompile(`the log can be written again`)):
	case err := <-p.ended:
		t.Fatalf("hub ended: %v", err)
	case <-time.After(startWithin):
		t.Fatal("the hub does not recover")
	}
	if !p.writable(t) {
		t.Error("/v1/hub does not say writable")
	}
}

// TestTryDisk holds that a disk with too little room counts as full, and that
// trying leaves nothing behind.
func TestTryDisk(t *testing.T) {
	dir := disktest.Small(t, smallDisk)
	if err := tryDisk(dir); err != nil {
		t.Errorf("an empty disk: %v", err)
	}
	free := disktest.Fill(t, dir, diskFree/2)
	if err := tryDisk(dir); err == nil {
		t.Errorf("a disk with half of what is needed is good")
	}
	free()
	if err := tryDisk(dir); err != nil {
		t.Errorf("a freed disk: %v", err)
	}
	if err := tryDisk(dir + "/missing"); err == nil {
		t.Error("a directory that is not there is good")
	}
}

// TestLogThatDoesNotRecover holds that the hub ends, and not well, when the
// disk has room again but not what it held.
func TestLogThatDoesNotRecover(t *testing.T) {
	data := disktest.Small(t, smallDisk)
	p := start(t, data, "--drain", "0s")
	free := disktest.Fill(t, data, 128<<10)
	orders := &ledger{ids: map[string]string{}}
	orders.pourUntilRefused(t, p)
	blocks, err := filepath.Glob(filepath.Join(data, "jetstream", "*", "streams", "LOG", "msgs", "*.blk"))
	if err != nil || len(blocks) != 1 {
		t.Fatalf("the log's blocks: %v, %v", blocks, err)
	}
	if err := os.Truncate(blocks[0], 1000); err != nil {
		t.Fatal(err)
	}
	free()
	select {
	case err := <-p.ended:
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok || exit.ExitCode() != 1 || !strings.Contains(p.log.String(), "does not recover") {
			t.Errorf("exit: %v", err)
		}
	case <-time.After(startWithin):
		t.Fatal("the hub goes on")
	}
}
