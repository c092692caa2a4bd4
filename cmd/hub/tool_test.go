package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// toolWays are what --wire and --http may say together, and what watch then
// says, a regular expression: which wire wins on a busy machine is open.
var toolWays = []struct{ wire, http, says string }{
	{"ndjson", "1.1", `ndjson \(HTTP/1.1\)`},
	{"ndjson", "2", `ndjson \(HTTP/2\)`},
	{"ndjson", "3", `ndjson \(HTTP/3\)`},
	{"sse", "1.1", `sse \(HTTP/1.1\)`},
	{"sse", "2", `sse \(HTTP/2\)`},
	{"sse", "3", `sse \(HTTP/3\)`},
	{"ws", "auto", `ws \(HTTP/1.1\)`},
	{"auto", "1.1", `(ws|ndjson) \(HTTP/1.1\)`},
	{"wt", "auto", `wt \(HTTP/3\)`},
	{"ws", "auto", `ws \(HTTP/1.1\)`},
	{"auto", "2", `ndjson \(HTTP/2\)`},
	{"auto", "3", `(wt|ndjson) \(HTTP/3\)`},
	{"auto", "auto", `(wt|ws|ndjson) \(HTTP/`},
}

// tool is the binary run as a tool of a user's.
type tool struct {
	t        *testing.T
	cmd      *exec.Cmd
	out, err *transcript
	ended    chan struct{}
}

// tool runs a command against p.
func (p *process) tool(args ...string) *tool {
	p.t.Helper()
	return runTool(p.t, "", append(args, "--hub", p.url, "--data", p.data)...)
}

// runTool runs a command with a token in the environment, or none.
func runTool(t *testing.T, token string, args ...string) *tool {
	t.Helper()
	u := &tool{t: t, out: newTranscript(), err: newTranscript(), ended: make(chan struct{})}
	u.cmd = exec.Command(binary, args...)
	u.cmd.Env = append(os.Environ(), tokenVariable+"="+token)
	u.cmd.Stdout, u.cmd.Stderr = u.out, u.err
	if err := u.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(u.ended)
		_ = u.cmd.Wait() // how it ended is in its state
	}()
	t.Cleanup(func() {
		_ = u.cmd.Process.Kill()
		if t.Failed() {
			t.Logf("hub %s\n%s\n%s", strings.Join(args, " "), u.out, u.err)
		}
	})
	return u
}

// interrupt is Ctrl-C.
func (u *tool) interrupt() {
	u.t.Helper()
	if err := u.cmd.Process.Signal(os.Interrupt); err != nil {
		u.t.Fatal(err)
	}
}

// code waits for the tool's end.
func (u *tool) code() int {
	u.t.Helper()
	select {
	case <-u.ended:
	case <-time.After(startWithin):
		u.t.Fatalf("does not end\n%s\n%s", u.out, u.err)
	}
	if !u.cmd.ProcessState.Exited() {
		u.t.Errorf("did not end by itself: %v", u.cmd.ProcessState)
	}
	return u.cmd.ProcessState.ExitCode()
}

// says waits for a line.
func (u *tool) says(tr *transcript, pattern string) []string {
	u.t.Helper()
	select {
	case m := <-tr.waitFor(regexp.MustCompile(pattern)):
		return m
	case <-time.After(startWithin):
		u.t.Fatalf("does not say %s\n%s\n%s", pattern, u.out, u.err)
		return nil
	}
}

// tokenFile writes a token where only its owner can read it.
func tokenFile(t *testing.T, token string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestToolsRefuse holds what tools say when something is to be mended, and how
// they end then.
func TestToolsRefuse(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	two := tokenFile(t, "one two")
	here := []string{"--hub", p.url, "--data", p.data}
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"topic", append([]string{"watch", "bord"}, here...), 2, `no topic "bord"`},
		{"private topic", append([]string{"watch", "kitchen"}, here...), 1, "--token-file"},
		{"cursor", append([]string{"watch", "board", "--after", "x"}, here...), 2, "not a cursor"},
		{"address", []string{"watch", "--hub", "http://localhost"}, 2, "--hub"},
		{"wire", []string{"watch", "--wire", "pigeon"}, 2, "--wire"},
		{"wire over another HTTP", []string{"watch", "--wire", "ws", "--http", "2"}, 2, "--wire and --http"},
		{"token file", []string{"watch", "--token-file", two}, 2, "one token"},
		{"no token file", []string{"watch", "--token-file", "/nowhere"}, 2, "--token-file"},
		{"authority", []string{"watch", "--ca", two}, 2, "no certificate"},
		{"not trusted", []string{"watch", "--hub", p.url, "--data", t.TempDir()}, 1, "--ca"},
		{"nobody to call", append([]string{"order", "latte"}, here...), 2, "--name"},
		{"number first", []string{"order", "x2", "latte", "--name", "Ada"}, 2, "latte x2"},
		{"no size", []string{"order", "latte:", "--name", "Ada"}, 2, "latte:large"},
		{"unknown item", append([]string{"order", "late", "--name", "Ada"}, here...), 1, "Did you mean latte"},
		{"unknown size", append([]string{"order", "latte:huge", "--name", "Ada"}, here...), 1, "There is regular, small, large"},
		{"unknown option", append([]string{"order", "latte+oat", "--name", "Ada"}, here...), 1, "Did you mean oat-milk"},
		{"too many", append([]string{"order", "latte", "x21", "--name", "Ada"}, here...), 1, "1 to 20"},
		{"nobody there", []string{"order", "latte", "--name", "Ada", "--hub", "https://127.0.0.1:1", "--data", p.data}, 1, "no answer from https://127.0.0.1:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := runTool(t, "", c.args...)
			if code := u.code(); code != c.code || !strings.Contains(u.err.String(), c.says) {
				t.Errorf("ended with %d, want %d and %q", code, c.code, c.says)
			}
		})
	}
}

// TestToolsTeach holds that every tool's help has examples, and that they are
// command lines.
func TestToolsTeach(t *testing.T) {
	parser, err := kong.New(&commands{}, kong.Vars{"version": version})
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile(`(?m)^ +hub (.+?)(  | \||$)`)
	word := regexp.MustCompile(`"[^"]*"|\S+`)
	for _, command := range []string{"watch", "order"} {
		u := runTool(t, "", command, "--help")
		if code := u.code(); code != 0 {
			t.Errorf("%s --help: %d", command, code)
		}
		examples := example.FindAllStringSubmatch(u.out.String(), -1)
		if len(examples) < 3 {
			t.Errorf("%s: %d examples", command, len(examples))
		}
		for _, e := range examples {
			if _, err := parser.Parse(word.FindAllString(e[1], -1)); err != nil {
				t.Errorf("%s: %v", e[0], err)
			}
		}
	}
}
