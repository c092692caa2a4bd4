package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"everything.local/auth"
	"everything.local/event"
)

const latte = `{"name":"Ada","items":[{"item":"latte","size":"large","options":["oat-milk"],"quantity":1}],"note":"extra hot"}`

// TestPrintedLinesWork runs the curl lines that the hub prints, as printed,
// over HTTP/1.1 and HTTP/2: the one that watches sees what the other orders.
func TestPrintedLinesWork(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), "--print-tokens")
	lines := regexp.MustCompile(`(?m)^  (curl .*)$`).FindAllStringSubmatch((<-p.out.waitFor(regexp.MustCompile(`(?s)Order, in another.*v1/orders\n`)))[0]+p.out.String(), -1)
	var watch, order string
	for _, l := range lines {
		if strings.Contains(l[1], "/v1/feed") {
			watch = l[1]
		} else {
			order = l[1]
		}
	}
	if watch == "" || order == "" {
		t.Fatalf("no curl lines in:\n%s", p.out)
	}
	for _, version := range []string{"--http1.1", "--http2"} {
		ctx, cancel := context.WithTimeout(t.Context(), startWithin)
		defer cancel()
		seen := newTranscript()
		watcher := exec.CommandContext(ctx, "sh", "-c", "exec "+strings.Replace(watch, "curl", "curl "+version, 1))
		watcher.Stdout, watcher.Stderr = seen, seen
		if err := watcher.Start(); err != nil {
			t.Fatal(err)
		}
		wait(t, seen, `"live":true`)
		out, err := exec.CommandContext(ctx, "sh", "-c", strings.Replace(order, "curl", "curl "+version, 1)).CombinedOutput()
		if err != nil || !strings.Contains(string(out), `"amount":480`) {
			t.Fatalf("%s: %v: %s", version, err, out)
		}
		number := regexp.MustCompile(`"number":\d+`).FindString(string(out))
		wait(t, seen, number+`\b`)
		cancel()
		_ = watcher.Wait()
	}
}

// wait waits until a process has written something.
func wait(t *testing.T, tr *transcript, pattern string) {
	t.Helper()
	select {
	case <-tr.waitFor(regexp.MustCompile(pattern)):
	case <-time.After(startWithin):
		t.Fatalf("no %s in:\n%s", pattern, tr)
	}
}

// TestStopsCleanly sends SIGTERM while feeds are open: they are told goaway,
// and the hub exits 0 within its budget.
func TestStopsCleanly(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), "--drain", "1s")
	live, ended := make(chan struct{}), make(chan error, 1)
	var goaway *event.Goaway
	go func() {
		ended <- p.feed(t.Context(), "", "topics=menu,board", func(f event.Frame) bool {
			if f.Live {
				close(live)
			}
			if f.Goaway != nil {
				goaway = f.Goaway
			}
			return false
		})
	}()
	<-live
	p.must(p.token(auth.Customer, "ada"), http.MethodPost, "/v1/orders", latte)
	took, err := p.stop()
	if err != nil {
		t.Errorf("exit: %v\n%s", err, p.log)
	}
	if budget := 20 * time.Second; took > budget {
		t.Errorf("took %v, the budget is %v", took, budget)
	}
	if err := <-ended; !errors.Is(err, io.EOF) {
		t.Errorf("the feed ended with %v", err)
	}
	if goaway == nil || goaway.WithinMS > 1000 {
		t.Errorf("goaway = %+v", goaway)
	}
}

// TestSecondHubIsRefused starts two hubs on one directory.
func TestSecondHubIsRefused(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	start(t, data)
	second := launch(t, data)
	if err := <-second.ended; err == nil || !strings.Contains(second.log.String(), "another hub") {
		t.Errorf("second hub: %v\n%s", err, second.log)
	}
}

// TestDirectoryOfAnotherModeIsRefused keeps a demo out of a live directory.
func TestDirectoryOfAnotherModeIsRefused(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := start(t, data)
	if _, err := p.stop(); err != nil {
		t.Fatal(err)
	}
	demo := launch(t, data, "--demo")
	if err := <-demo.ended; err == nil || !strings.Contains(demo.log.String(), "mode") {
		t.Errorf("demo in a live directory: %v\n%s", err, demo.log)
	}
}

// TestHealth asks what a service manager and a load balancer ask.
func TestHealth(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	for path, want := range map[string]int{
		"/healthz": 200, "/readyz": 200, "/readyz?for=commands": 200, "/readyz?for=tea": 400,
	} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
		res, err := p.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
	}
}

// TestBoardListenerServesNothingElse walks the plain-HTTP listener.
func TestBoardListenerServesNothingElse(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), "--board-http", "127.0.0.1:0")
	m := <-p.log.waitFor(regexp.MustCompile(`board_addr=(\S+)`))
	plain := *p
	plain.url, plain.client = "http://"+m[1], http.DefaultClient
	staff := p.token(auth.Barista, "bob")
	for path, want := range map[string]int{
		"/v1/menu": 404, "/v1/hub": 404, "/display": 404, "/order": 404, "/barista": 404, "/metrics": 404,
		"/healthz": 404, "/v1/feed?topics=kitchen": 401,
	} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, plain.url+path, nil)
		r.Header.Set("Authorization", "Bearer "+staff)
		res, err := plain.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
	}
	if err := plain.feed(t.Context(), "", "topics=board,menu", func(f event.Frame) bool { return f.Live }); err != nil {
		t.Errorf("board feed: %v", err)
	}
	for line, want := range map[string]string{
		`{"topics":"board"}`:                           `"live":true`,
		`{"topics":"kitchen","token":"` + staff + `"}`: `"code":"invalid"`,
	} {
		if err := plain.socket(t.Context(), line, want); err != nil {
			t.Errorf("%.20s: %v", line, err)
		}
	}
}

// socket follows a feed over WebSocket until a frame has want in it.
func (p *process) socket(ctx context.Context, line, want string) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	c, _, err := websocket.Dial(ctx, p.url+"/v1/feed", &websocket.DialOptions{HTTPClient: p.client})
	if err != nil {
		return err
	}
	defer func() { _ = c.CloseNow() }() // the hub may have been first
	if err := c.Write(ctx, websocket.MessageText, []byte(line)); err != nil {
		return err
	}
	for {
		_, b, err := c.Read(ctx)
		if err != nil || strings.Contains(string(b), want) {
			return err
		}
	}
}

// TestSecretsStayOutOfTheLog greps the log of a whole run at its most
// talkative for every secret and personal thing that went through it.
func TestSecretsStayOutOfTheLog(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := start(t, data, "--log-level", "debug", "--print-tokens")
	secrets := map[string]string{"name": "Zaphodiana", "note": "quietly-stirred"}
	for _, role := range []auth.Role{auth.Customer, auth.Barista, auth.Admin, auth.Display} {
		secrets[string(role)] = p.token(role, "grep-"+string(role))
	}
	order := strings.NewReplacer("Ada", secrets["name"], "extra hot", secrets["note"]).Replace(latte)
	p.must(secrets["customer"], http.MethodPost, "/v1/orders", order)
	p.must("", http.MethodPost, "/v1/session", `{"token":"`+secrets["admin"]+`"}`)
	p.must("", http.MethodPost, "/v1/session", `{"name":"`+secrets["name"]+`"}`)
	pairing := p.must("", http.MethodPost, "/v1/pairing", "")
	secrets["device"], _ = pairing["device"].(string)
	ticket := p.must(secrets["barista"], http.MethodPost, "/v1/feed/ticket", "")
	secrets["ticket"], _ = ticket["ticket"].(string)
	for _, bad := range []string{secrets["admin"] + "x", "garbage-token-garbage"} {
		if status, _, err := p.call(t.Context(), bad, http.MethodGet, "/v1/orders", ""); err != nil || status != 401 {
			t.Errorf("bad token: %d %v", status, err)
		}
		secrets["bad "+bad[:5]] = bad
	}
	if status, _, err := p.call(t.Context(), "", http.MethodGet, "/v1/feed?topics=kitchen&access_token="+secrets["display"], ""); err != nil || status < 400 {
		t.Errorf("token in the URL: %d %v", status, err)
	}
	if err := p.feed(t.Context(), secrets["ticket"], "topics=kitchen", func(f event.Frame) bool { return f.Live }); err != nil {
		t.Error(err)
	}
	if _, err := p.stop(); err != nil {
		t.Error(err)
	}
	log := p.log.String()
	if !strings.Contains(log, "serving") {
		t.Fatalf("this is no log of a run:\n%s", log)
	}
	for what, secret := range secrets {
		if secret == "" {
			t.Errorf("no %s to look for", what)
		} else if strings.Contains(log, secret) {
			t.Errorf("the %s is in the log", what)
		}
	}
	for _, file := range []string{"keys", "tls"} {
		checkPrivate(t, filepath.Join(data, file))
	}
}

// checkPrivate fails for key files that others can read.
func checkPrivate(t *testing.T, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 && !strings.HasSuffix(path, ".pem") {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%s: %d files, %v", dir, files, err)
	}
}

// TestTimerSurvivesKill places an order, kills the hub over the due time's
// approach, and expects the cancellation on time.
func TestTimerSurvivesKill(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := start(t, data, "--accept-within", "10s")
	ada := p.token(auth.Customer, "ada")
	order := p.must(ada, http.MethodPost, "/v1/orders", latte)["order"].(map[string]any)
	due, err := event.ParseTime(order["accept_by"].(string))
	if err != nil {
		t.Fatal(err)
	}
	p.kill()
	p = start(t, data, "--accept-within", "10s")
	var cancelled event.Frame
	err = p.feed(t.Context(), ada, "topics=orders/"+order["customer"].(string), func(f event.Frame) bool {
		cancelled = f
		return strings.Contains(string(f.Value), `"status":"cancelled"`)
	})
	if err != nil {
		t.Fatal(err)
	}
	if late := time.Since(due); late < 0 || late > 1500*time.Millisecond {
		// 0.5 s is the timer's; the rest is what a shared machine may add
		// between the log and this line.
		t.Errorf("cancelled %v after it was due", late)
	}
	if !strings.Contains(string(cancelled.Value), `"reason":"not_accepted"`) {
		t.Errorf("cancelled: %s", cancelled.Value)
	}
}

// TestForget forgets a customer of a running hub and of a stopped one.
func TestForget(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := start(t, data)
	customers := map[string]string{}
	for _, sub := range []string{"ada", "grace"} {
		order := p.must(p.token(auth.Customer, sub), http.MethodPost, "/v1/orders",
			strings.Replace(latte, "Ada", sub, 1))["order"].(map[string]any)
		customers[sub] = order["customer"].(string)
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(p.url, "https://"), ":")
	forget(t, data, customers["ada"], ":"+port)
	if names := p.boardNames(); strings.Contains(names, "ada") || !strings.Contains(names, "grace") {
		t.Errorf("after ada: %s", names)
	}
	if _, err := p.stop(); err != nil {
		t.Error(err)
	}
	forget(t, data, customers["grace"], ":0")
	p = start(t, data)
	if names := p.boardNames(); strings.Contains(names, "grace") || !strings.Contains(names, "someone") {
		t.Errorf("after grace: %s", names)
	}
}

func forget(t *testing.T, data, customer, listen string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), binary, "forget", customer, "--data", data, "--listen", listen)
	if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), "forgotten") {
		t.Fatalf("hub forget: %v\n%s", err, out)
	}
}

// boardNames is the public board as text.
func (p *process) boardNames() string {
	p.t.Helper()
	var names strings.Builder
	err := p.feed(p.t.Context(), "", "topics=board", func(f event.Frame) bool {
		names.Write(f.Value)
		return f.Live
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return names.String()
}

// TestAnnouncementBeginsAndEnds posts one for later: it appears and goes by
// the clock.
func TestAnnouncementBeginsAndEnds(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	from := time.Now().Add(2 * time.Second)
	until := from.Add(2 * time.Second)
	p.must(p.token(auth.Admin, "boss"), http.MethodPost, "/v1/announcements",
		`{"text":"Last orders","from":"`+event.FormatTime(from)+`","until":"`+event.FormatTime(until)+`"}`)
	var began, ended time.Time
	err := p.feed(t.Context(), "", "topics=announcements", func(f event.Frame) bool {
		switch {
		case f.Key == "":
		case f.Value != nil:
			began = time.Now()
		default:
			ended = time.Now()
		}
		return !ended.IsZero()
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []struct {
		what      string
		due, came time.Time
	}{{"began", from, began}, {"ended", until, ended}} {
		// The log's instants are cut to milliseconds.
		if late := at.came.Sub(at.due); late < -time.Millisecond || late > 1500*time.Millisecond {
			t.Errorf("it %s %v after it was due", at.what, late)
		}
	}
}
