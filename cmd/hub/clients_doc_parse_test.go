package main

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The conventions of docs/clients.md. A fenced block in sh or http is a request,
// and what stands behind the word says how to send it: h1, h2 and h3, each in
// turn, or ws and wt, whose lines follow the head. Behind a request comes what
// it is answered with:
//
//	→ 200 application/x-ndjson: reset, entry, live
//
// which is the status, the type, and what kinds of frames come one after the
// other. What the answer or one of the frames looks like may stand behind that,
// between backquotes, or in a block in json. Other languages are code, or text.
var (
	requestLanguages = []string{"sh", "http"}
	codeLanguages    = []string{"go", "ts", "swift", "kotlin", "text"}
	waysOfHTTP       = []string{"h1", "h2", "h3", "ws", "wt"}
)

// block is a fenced block of the document.
type block struct {
	line     int
	language string
	// ways are how a request in http is sent.
	ways []string
	text string
	want expected
}

// expected is what a request is answered with.
type expected struct {
	status int
	// media is the type, empty for none to look at.
	media string
	// frames are the kinds that come, one for any number of the same in a row.
	frames []string
	// shape is what the answer looks like: one JSON value, or some frames, each
	// on a line.
	shape string
}

// parseBlocks returns the blocks of a document. It refuses what nobody would
// run or look at.
func parseBlocks(text string) (blocks []block, err error) {
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); {
		info, ok := strings.CutPrefix(lines[i], "```")
		if !ok {
			if strings.HasPrefix(lines[i], "→") {
				return nil, fmt.Errorf("line %d: an answer to nothing", i+1)
			}
			i++
			continue
		}
		b := block{line: i + 1}
		if b.text, i, err = fenced(lines, i); err != nil {
			return nil, err
		}
		if err := b.describe(strings.Fields(info)); err != nil {
			return nil, fmt.Errorf("line %d: %w", b.line, err)
		}
		if slices.Contains(requestLanguages, b.language) {
			if i, err = b.want.parse(lines, i); err != nil {
				return nil, fmt.Errorf("line %d: %w", b.line, err)
			}
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// fenced returns what is in the block that begins at a line, and the line
// behind it.
func fenced(lines []string, at int) (string, int, error) {
	for end := at + 1; end < len(lines); end++ {
		if lines[end] == "```" {
			return strings.Join(lines[at+1:end], "\n"), end + 1, nil
		}
	}
	return "", 0, fmt.Errorf("line %d: the block does not end", at+1)
}

// describe takes a block's language and ways.
func (b *block) describe(info []string) error {
	if len(info) == 0 {
		return fmt.Errorf("a block without a language")
	}
	b.language, b.ways = info[0], info[1:]
	switch {
	case b.language == "http" && len(b.ways) > 0 && !slices.ContainsFunc(b.ways, func(w string) bool { return !slices.Contains(waysOfHTTP, w) }):
		return nil
	case b.language != "http" && len(b.ways) == 0 && slices.Contains(slices.Concat(requestLanguages, codeLanguages), b.language):
		return nil
	}
	return fmt.Errorf("nobody knows how to run %q", strings.Join(info, " "))
}

// answerLine is what stands behind a request.
var answerLine = regexp.MustCompile("^→ (\\d{3})(?: ([a-z]+/[a-z+-]+))?(?:: ([a-z]+(?:, [a-z]+)*))?(?: `(.+)`)?$")

// parse reads what is expected from a line on, and returns the line behind it.
func (e *expected) parse(lines []string, at int) (int, error) {
	at = past(lines, at)
	if at == len(lines) {
		return 0, fmt.Errorf("the request has no answer")
	}
	m := answerLine.FindStringSubmatch(lines[at])
	if m == nil {
		return 0, fmt.Errorf("%q is no answer to the request", lines[at])
	}
	e.status, _ = strconv.Atoi(m[1]) // three digits
	e.media, e.shape = m[2], m[4]
	if m[3] != "" {
		e.frames = strings.Split(m[3], ", ")
	}
	at++
	if next := past(lines, at); next < len(lines) && lines[next] == "```json" {
		var err error
		e.shape, at, err = fenced(lines, next)
		return at, err
	}
	return at, nil
}

func past(lines []string, at int) int {
	for at < len(lines) && lines[at] == "" {
		at++
	}
	return at
}

// head reads the request of a block in http: its method and path, its header,
// and what follows. fill puts in what its variables stand for.
func (b block) head(fill func(string) string) (r *http.Request, body string, err error) {
	head, body, _ := strings.Cut(fill(b.text), "\n\n")
	first, rest, _ := strings.Cut(head, "\n")
	words := strings.Fields(first)
	if len(words) != 3 && (len(words) != 2 || slices.Contains(b.ways, "ws")) {
		return nil, "", fmt.Errorf("%q is no request line", first)
	}
	h := http.Header{}
	for line := range strings.Lines(rest) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if !ok {
			return nil, "", fmt.Errorf("%q is no header field", line)
		}
		h.Add(name, value)
	}
	return &http.Request{Method: words[0], RequestURI: words[1], Header: h}, strings.TrimSuffix(body, "\n"), nil
}

// TestParseBlocks holds that a document with a request that nobody would run, or
// whose answer nobody would look at, is refused.
func TestParseBlocks(t *testing.T) {
	t.Parallel()
	good := "```sh\ncurl x\n```\n\n→ 200 application/x-ndjson: reset, live\n```json\n{\"live\":true}\n```\n\n```go\nx()\n```\n```http h1 h3\nGET /\n```\n→ 404 a/b `{\"code\":\"x\"}`"
	want := []block{
		{1, "sh", []string{}, "curl x", expected{200, "application/x-ndjson", []string{"reset", "live"}, `{"live":true}`}},
		{10, "go", []string{}, "x()", expected{}},
		{13, "http", []string{"h1", "h3"}, "GET /", expected{404, "a/b", nil, `{"code":"x"}`}},
	}
	got, err := parseBlocks(good)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(block{}, expected{})); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for what, bad := range map[string]string{
		"no language":        "```\ncurl x\n```\n→ 200",
		"unknown language":   "```console\ncurl x\n```\n→ 200",
		"unknown way":        "```http h4\nGET /\n```\n→ 200",
		"no way":             "```http\nGET /\n```\n→ 200",
		"no answer":          "```sh\ncurl x\n```\n\nSome words.\n\n→ 200",
		"no answer at all":   "```sh\ncurl x\n```",
		"no status":          "```sh\ncurl x\n```\n→ fine",
		"no end":             "```sh\ncurl x",
		"answer to nothing":  "Some words.\n\n→ 200",
		"answer without end": "```sh\ncurl x\n```\n→ 200\n```json\n{}",
		"json to nothing":    "```json\n{}\n```",
	} {
		if got, err := parseBlocks(bad); err == nil {
			t.Errorf("%s: %+v", what, got)
		}
	}
}

// clientsDocument returns the blocks of docs/clients.md.
func clientsDocument(t *testing.T) []block {
	t.Helper()
	text, err := os.ReadFile(root + "/docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := parseBlocks(string(text))
	if err != nil {
		t.Fatalf("docs/clients.md: %v", err)
	}
	return blocks
}
