package main

import (
	"context"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"everything.local/auth"
)

// TestClientsDocument runs every request of docs/clients.md against a hub, as it
// stands there, and compares what it is answered with.
func TestClientsDocument(t *testing.T) {
	t.Parallel()
	r := newReader(t)
	ran := map[string]int{}
	for _, b := range requests(clientsDocument(t)) {
		for _, way := range b.sentBy() {
			r.try(t, b, way)
			ran[way]++
		}
	}
	// Fewer are a document that has lost a section, or a test that does not find
	// what there is.
	for way, least := range map[string]int{"sh": 6, "h1": 8, "h2": 10, "h3": 8, "ws": 3, "wt": 2} {
		if ran[way] < least {
			t.Errorf("%d requests were sent by %s, there should be %d", ran[way], way, least)
		}
	}
	t.Logf("sent: %v", ran)
	if !r.stopping {
		t.Fatal("no request sees a hub stop")
	}
	if err := <-r.p.ended; err != nil {
		t.Errorf("the hub ended with %v", err)
	}
}

// requests are the blocks to send, those last for which the hub has to stop.
func requests(blocks []block) (first []block) {
	var last []block
	for _, b := range blocks {
		switch {
		case !slices.Contains(requestLanguages, b.language):
		case slices.Contains(b.want.frames, "goaway"):
			last = append(last, b)
		default:
			first = append(first, b)
		}
	}
	return append(first, last...)
}

// sentBy are the ways of a request.
func (b block) sentBy() []string {
	if b.language == "http" {
		return b.ways
	}
	return []string{b.language}
}

// reader does what the document says.
type reader struct {
	t *testing.T
	p *process
	// says is what variables stand for; answers add to them.
	says map[string]string
	// stopping says that the hub has been asked to stop.
	stopping bool
}

func newReader(t *testing.T) *reader {
	t.Helper()
	p := start(t, t.TempDir(), "--drain", "1s")
	r := &reader{t: t, p: p, says: map[string]string{
		"HUB": p.url, "CA": tlsDir(p.data) + "/ca.pem",
		"TOKEN": p.token(auth.Customer, "ada"), "STAFF": p.token(auth.Barista, "bob"),
	}}
	return r
}

// blockWithin bounds a request and what it is answered with. It is less than the
// pings of an idle feed are apart: who waits for one waits in vain.
const blockWithin = 15 * time.Second

// try sends one request.
func (r *reader) try(t *testing.T, b block, way string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), blockWithin)
	defer cancel()
	a, err := r.send(ctx, b, way)
	if err == nil {
		defer a.close()
		err = r.compare(b.want, a)
	}
	if err != nil {
		t.Errorf("docs/clients.md:%d, over %s: %v", b.line, way, err)
	}
}

// stop asks the hub to stop, once.
func (r *reader) stop() error {
	if r.stopping {
		return nil
	}
	r.stopping = true
	return r.p.cmd.Process.Signal(syscall.SIGTERM)
}

// variable is something in a request that stands for something else.
var variable = regexp.MustCompile(`\$[A-Z]+`)

// fill puts in what variables stand for. Unknown ones stay, and are refused by
// whoever gets them.
func (r *reader) fill(text string) string {
	return variable.ReplaceAllStringFunc(text, func(v string) string {
		if v == "$BRIEF" {
			return r.brief()
		}
		if s, ok := r.says[v[1:]]; ok {
			return s
		}
		r.t.Errorf("nothing has said what %s is", v)
		return v
	})
}

// brief is a token that has a second to live.
func (r *reader) brief() string {
	keys, err := auth.OpenKeys(keysDir(r.p.data))
	if err != nil {
		r.t.Fatal(err)
	}
	token, err := keys.Sign(auth.Claims{Role: auth.Customer, Subject: "ada", TTL: 2 * time.Second})
	if err != nil {
		r.t.Fatal(err)
	}
	return token
}

// TestClientsDocumentIsWhole holds that there is a section for every kind of
// client, that the code in Go is Go, and that the document stays readable.
func TestClientsDocumentIsWhole(t *testing.T) {
	t.Parallel()
	text := read(t, "docs/clients.md")
	if n := strings.Count(text, "\n"); n > 450 {
		t.Errorf("it has %d lines", n)
	}
	for _, section := range []string{"URLSession", "Network.framework", "Cronet", "OkHttp", "Smart TV", "curl", "Go", "TypeScript"} {
		if !regexp.MustCompile(`(?m)^##+ .*` + regexp.QuoteMeta(section)).MatchString(text) {
			t.Errorf("it has no section on %s", section)
		}
	}
	code := 0
	for _, b := range clientsDocument(t) {
		if b.language != "go" {
			continue
		}
		code++
		whole := "package p\nfunc _() {\n" + b.text + "\n}\n"
		if _, err := parser.ParseFile(token.NewFileSet(), "", whole, parser.AllErrors); err != nil {
			t.Errorf("docs/clients.md:%d is no Go: %v", b.line, err)
		}
	}
	if code == 0 {
		t.Error("it has no code in Go")
	}
}
