package web

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// tvLimit is what script and sheet of a TV page may weigh together: sets on
// walls are slow, and many.
const tvLimit = 60 << 10

// bundles are what build.sh makes, by name.
type bundles map[string]string

// TestBundles builds the bundles into a folder of its own, so that it does not
// depend on what somebody built before, and holds them to what pages promise.
func TestBundles(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "bash", "build.sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("build.sh: %v\n%s", err, out)
	}
	all := bundles{}
	for _, page := range []string{"home", "display", "board", "order", "barista"} {
		for _, ext := range []string{".js", ".css"} {
			b, err := os.ReadFile(filepath.Join(dir, page+ext))
			if err != nil && page+ext != "home.js" {
				t.Fatal(err)
			}
			all[page+ext] = string(b)
		}
	}
	t.Run("TV pages are small", all.tvIsSmall)
	t.Run("TV pages have no new syntax", all.tvHasOldSyntax)
	t.Run("TV pages use nothing newer than their engines", all.tvUsesOldEngines)
	t.Run("nothing comes from elsewhere", all.comeFromHere)
}

func (b bundles) tvIsSmall(t *testing.T) {
	for _, page := range []string{"display", "board"} {
		if n := len(b[page+".js"]) + len(b[page+".css"]); n > tvLimit {
			t.Errorf("%s weighs %d bytes, at most %d are allowed", page, n, tvLimit)
		}
	}
}

// A syntax newer than the set's engine is a blank screen, so lowering what is
// there already must change nothing.
func (b bundles) tvHasOldSyntax(t *testing.T) {
	for _, name := range []string{"display.js", "board.js"} {
		if lower(t, b[name], "esnext") != lower(t, b[name], "chrome53") {
			t.Errorf("%s has syntax newer than Chromium 53", name)
		}
	}
	if lower(t, "a?.b", "esnext") == lower(t, "a?.b", "chrome53") {
		t.Error("lowering does nothing, so this test cannot fail")
	}
}

// lower prints a script for a target with esbuild, a tool of this module.
func lower(t *testing.T, script, target string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "tool", "esbuild", "--target="+target, "--log-level=error")
	cmd.Stdin = strings.NewReader(script)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("esbuild: %v\n%s", err, said.String())
	}
	return string(out)
}

// What a bundler does not lower: methods, names and properties that came after
// Chromium 53.
var (
	newerScript = regexp.MustCompile(`\.(append|prepend|before|after|replaceWith|replaceChildren|toggleAttribute|padStart|padEnd|flat|flatMap|fromEntries|matchAll|replaceAll|allSettled|finally|at|findLast)\(|Object\.(values|entries)\(|globalThis|structuredClone|queueMicrotask|requestIdleCallback|IntersectionObserver|ResizeObserver`)
	newerSheet  = regexp.MustCompile(`[^-]gap:|inset:|[^-]aspect-ratio:|clamp\(|[^a-z-]m(?:in|ax)\(|oklch|display:grid|:is\(|:where\(|:has\(|:focus-visible|dvh|-mix\(`)
)

func (b bundles) tvUsesOldEngines(t *testing.T) {
	for _, page := range []string{"display", "board"} {
		for name, newer := range map[string]*regexp.Regexp{page + ".js": newerScript, page + ".css": newerSheet} {
			for _, at := range newer.FindAllStringIndex(b[name], -1) {
				t.Errorf("%s: …%s… came after Chromium 53", name, b[name][max(0, at[0]-30):min(len(b[name]), at[1]+30)])
			}
		}
	}
	if !newerScript.MatchString("x.append(y)") || !newerSheet.MatchString("a{inset:0}") {
		t.Error("the lists catch nothing, so this test cannot fail")
	}
}

func (b bundles) comeFromHere(t *testing.T) {
	address := regexp.MustCompile(`(?i)https?://[a-z0-9.-]+`)
	fetched := regexp.MustCompile(`(?i)@import|url\(|//[a-z0-9-]+\.`)
	for name, text := range b {
		for _, found := range address.FindAllString(text, -1) {
			if found != "http://www.w3.org" { // the name of SVG, which nobody fetches
				t.Errorf("%s has the address %s", name, found)
			}
		}
		if strings.HasSuffix(name, ".css") && fetched.MatchString(text) {
			t.Errorf("%s fetches %s", name, fetched.FindString(text))
		}
	}
}
