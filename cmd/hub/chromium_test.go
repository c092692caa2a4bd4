package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
)

// chromium is a headless browser, driven by the DevTools protocol over pipes:
// commands and events are JSON, each ended by a zero byte.
type chromium struct {
	in    io.Writer
	ended chan struct{}
	said  bytes.Buffer // on standard error; complete once ended is closed

	mu    sync.Mutex
	last  int
	calls map[int]chan<- devtools
	pages map[string]func(devtools) // takes events, by session
}

// devtools is a message of the protocol.
type devtools struct {
	ID        int             `json:"id,omitempty"`
	Session   string          `json:"sessionId,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Exception *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// startChromium starts a browser that ends with the test.
func startChromium(t *testing.T, flags ...string) *chromium {
	t.Helper()
	theirIn, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	b := &chromium{in: in, ended: make(chan struct{}), calls: map[int]chan<- devtools{}, pages: map[string]func(devtools){}}
	c := exec.Command(cmp.Or(os.Getenv("CHROMIUM"), "/usr/bin/chromium"), append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-proxy-server",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--remote-debugging-pipe", "--user-data-dir=" + t.TempDir(),
	}, flags...)...)
	c.ExtraFiles = []*os.File{theirIn, theirOut} // 3 and 4, as the browser wants them
	c.Stderr = &b.said
	if err := c.Start(); err != nil {
		t.Fatalf("Chromium is needed, see .ci/setup: %v", err)
	}
	_, _ = theirIn.Close(), theirOut.Close()
	go func() {
		defer close(b.ended)
		b.read(out)
		_ = c.Wait() // it says what it has to in said
	}()
	t.Cleanup(func() {
		_ = in.Close() // which ends it
		<-b.ended
		_ = out.Close()
		if t.Failed() {
			t.Logf("Chromium said:\n%s", &b.said)
		}
	})
	return b
}

// read hands out what the browser says, until it ends.
func (b *chromium) read(out io.Reader) {
	for r := bufio.NewReader(out); ; {
		line, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m devtools
		if err := json.Unmarshal(bytes.TrimSuffix(line, []byte{0}), &m); err != nil {
			return // a browser of another kind
		}
		b.mu.Lock()
		call, page := b.calls[m.ID], b.pages[m.Session]
		delete(b.calls, m.ID)
		b.mu.Unlock()
		switch {
		case call != nil:
			call <- m
		case page != nil:
			page(m)
		}
	}
}

// call calls a method and decodes its result, if it is wanted.
func (b *chromium) call(ctx context.Context, session, method string, params, result any) error {
	p, err := json.Marshal(params)
	if err != nil {
		return err
	}
	answered := make(chan devtools, 1)
	b.mu.Lock()
	b.last++
	m, err := json.Marshal(devtools{ID: b.last, Session: session, Method: method, Params: p})
	b.calls[b.last] = answered
	if err == nil {
		_, err = b.in.Write(append(m, 0))
	}
	b.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case m := <-answered:
		switch {
		case m.Exception != nil:
			return fmt.Errorf("%s: %s", method, m.Exception.Message)
		case result != nil:
			return json.Unmarshal(m.Result, result)
		}
		return nil
	case <-b.ended:
		return errors.New("the browser has ended")
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, context.Cause(ctx))
	}
}

// open opens an address in a page of its own, whose events go to take, and
// returns its session. take must not wait for the browser.
func (b *chromium) open(ctx context.Context, url string, take func(devtools)) (session string, err error) {
	var target struct{ TargetID string }
	if err := b.call(ctx, "", "Target.createTarget", map[string]any{"url": "about:blank"}, &target); err != nil {
		return "", err
	}
	var attached struct{ SessionID string }
	if err := b.call(ctx, "", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached); err != nil {
		return "", err
	}
	loaded := make(chan struct{})
	var once sync.Once
	b.mu.Lock()
	b.pages[attached.SessionID] = func(m devtools) {
		if m.Method == "Page.loadEventFired" {
			once.Do(func() { close(loaded) })
		}
		take(m)
	}
	b.mu.Unlock()
	for _, domain := range []string{"Page.enable", "Network.enable", "Runtime.enable"} {
		if err := b.call(ctx, attached.SessionID, domain, struct{}{}, nil); err != nil {
			return "", err
		}
	}
	var gone struct{ ErrorText string }
	if err := b.call(ctx, attached.SessionID, "Page.navigate", map[string]any{"url": url}, &gone); err != nil {
		return "", err
	}
	if gone.ErrorText != "" {
		return "", fmt.Errorf("%s: %s", url, gone.ErrorText)
	}
	select {
	case <-loaded:
		return attached.SessionID, nil
	case <-ctx.Done():
		return "", fmt.Errorf("%s: %w", url, context.Cause(ctx))
	}
}

// evaluate runs a script in a page, waits for its promise, and decodes what it
// comes to, if that is wanted.
func (b *chromium) evaluate(ctx context.Context, session, script string, result any) error {
	var got struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	err := b.call(ctx, session, "Runtime.evaluate", map[string]any{
		"expression": script, "awaitPromise": true, "returnByValue": true,
	}, &got)
	switch {
	case err != nil:
		return err
	case got.ExceptionDetails != nil:
		return fmt.Errorf("%s %s", got.ExceptionDetails.Text, got.ExceptionDetails.Exception.Description)
	case result != nil:
		return json.Unmarshal(got.Result.Value, result)
	}
	return nil
}
