package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// TestEveryMustNamesItsTest holds docs/protocol.md to its promise: each
// numbered MUST has a line in the table, and what the line names exists.
func TestEveryMustNamesItsTest(t *testing.T) {
	text := read(t, "docs/protocol.md")
	rules, table, ok := strings.Cut(text, "## What holds it")
	if !ok {
		t.Fatal("no table in docs/protocol.md")
	}
	tests := sources(t)
	lines := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| (M\d+) \| (.*) \|$`).FindAllStringSubmatch(table, -1) {
		lines[m[1]] = m[2]
	}
	musts := regexp.MustCompile(`\((M\d+)\)`).FindAllStringSubmatch(rules, -1)
	if len(musts) < 20 || len(musts) != len(lines) {
		t.Errorf("%d MUSTs, %d lines", len(musts), len(lines))
	}
	named := regexp.MustCompile("`(Test\\w+)`|\"([^\"]+)\"")
	for i, m := range musts {
		if want := fmt.Sprintf("M%d", i+1); m[1] != want {
			t.Errorf("%s stands where %s should", m[1], want)
		}
		for _, n := range named.FindAllStringSubmatch(lines[m[1]], -1) {
			switch {
			case n[1] != "" && !strings.Contains(tests, "func "+n[1]+"("):
				t.Errorf("%s: there is no test %s", m[1], n[1])
			case n[2] != "" && !strings.Contains(tests, `"`+n[2]+`":`):
				t.Errorf("%s: there is no scenario %q", m[1], n[2])
			}
		}
		if lines[m[1]] == "" {
			t.Errorf("%s names no test", m[1])
		}
	}
}

// TestReadmeIsShortAndTrue checks what of the README a test can: its length,
// its two commands, and that every file it names exists.
func TestReadmeIsShortAndTrue(t *testing.T) {
	text := read(t, "README.md")
	if n := strings.Count(text, "\n"); n >= 200 {
		t.Errorf("README.md has %d lines", n)
	}
	for _, command := range []string{"make run", "make test"} {
		if !strings.Contains(text, command) {
			t.Errorf("README.md does not say %s", command)
		}
	}
	for _, m := range regexp.MustCompile("`((?:cmd|docs|event|cafe|streams|hub|transport|api|proto|auth|web)(?:/[\\w./-]+)?)`").FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
			t.Errorf("README.md names %s: %v", m[1], err)
		}
	}
}

// TestADRsAreShort keeps decisions readable.
func TestADRsAreShort(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "docs/adr/*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d ADRs, %v", len(files), err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if text := string(b); strings.Count(text, "\n") > 60 || !strings.Contains(text, "| Status |") {
			t.Errorf("%s: over 60 lines, or without a status", f)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sources is the text of all Go files of the project.
func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			b, err := os.ReadFile(path)
			all.Write(b)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
