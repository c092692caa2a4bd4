package web

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

// built is the embedded files with a bundle for every page.
func built(t *testing.T) fstest.MapFS {
	t.Helper()
	m := fstest.MapFS{}
	for _, page := range []string{"home", "display", "board", "order", "barista"} {
		m["dist/"+page+".js"] = &fstest.MapFile{Data: []byte("// " + page)}
		m["dist/"+page+".css"] = &fstest.MapFile{Data: []byte("/* " + page + " */")}
	}
	for _, dir := range []string{"templates", "static"} {
		entries, err := files.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			b, err := files.ReadFile(dir + "/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			m[dir+"/"+e.Name()] = &fstest.MapFile{Data: b}
		}
	}
	return m
}

func get(t *testing.T, h http.Handler, path string) (int, http.Header, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w.Code, w.Result().Header, w.Body.String()
}

var cafe = Config{
	Site: "Corner & Co", Mode: "demo", CA: []byte("-----BEGIN CERTIFICATE-----"),
	Board: func() []BoardLine {
		return []BoardLine{{Number: 41, Name: "<b>Ada", Drink: "Latte +2"}, {Number: 7, Name: "Bo", Ready: true}}
	},
	Announcements: func() []string { return []string{"Closing at <6>"} },
	Menu: func() []MenuItem {
		return []MenuItem{
			{ID: "latte", Name: "Latte", Category: "Coffee", Amount: 420, Currency: "EUR", Available: true},
			{ID: "scone", Name: "Scone", Category: "Food", Amount: 305, Currency: "EUR"},
		}
	},
}

func TestEveryPageRenders(t *testing.T) {
	h := cafe.handler(built(t))
	for _, path := range []string{"/", "/display", "/board", "/board?plain=1", "/order", "/barista"} {
		code, header, body := get(t, h, path)
		if code != http.StatusOK || !strings.Contains(body, "Corner &amp; Co") {
			t.Errorf("%s: %d\n%s", path, code, body)
		}
		if csp := header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || !strings.Contains(csp, "default-src 'none'") {
			t.Errorf("%s: policy %q", path, csp)
		}
		for _, inline := range []string{" style=", " onclick=", "<style", "<script>", "javascript:"} {
			if strings.Contains(body, inline) {
				t.Errorf("%s has %q, which its policy forbids", path, inline)
			}
		}
	}
}

func TestOneHubConnectsToItselfOnly(t *testing.T) {
	if got := ContentSecurityPolicy(); !strings.Contains(got, "connect-src 'self';") {
		t.Errorf("policy %q", got)
	}
	if got := policy("", []string{"https://pi-2:8443"}); !strings.Contains(got, "connect-src 'self' https://pi-2:8443 wss://pi-2:8443;") {
		t.Errorf("policy with a peer %q", got)
	}
}

func TestPolicyNamesTheHubForWebSockets(t *testing.T) {
	h := cafe.handler(built(t))
	for target, want := range map[string]string{
		"https://pi-1.local:8443/board": "connect-src 'self' wss://pi-1.local:8443;",
		"http://192.168.1.7/board":      "connect-src 'self' ws://192.168.1.7;",
		"https://[::1]:8443/board":      "connect-src 'self';",
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
		if got := w.Result().Header.Get("Content-Security-Policy"); !strings.Contains(got, want) {
			t.Errorf("%s: policy %q", target, got)
		}
	}
	for _, evil := range []string{"a;script-src *", "a b", "*", "a,b", "a'b", "pi:8443:1"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/board", nil)
		r.Host = evil
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Result().Header.Get("Content-Security-Policy"); !strings.Contains(got, "connect-src 'self';") {
			t.Errorf("host %q: policy %q", evil, got)
		}
	}
}

func TestBoardWithoutScripts(t *testing.T) {
	h := cafe.handler(built(t))
	_, _, body := get(t, h, "/board?plain=1")
	for _, want := range []string{"&lt;b&gt;Ada", "Latte &#43;2", ">7<", "Closing at &lt;6&gt;", `http-equiv="refresh" content="15"`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	if strings.Contains(body, "<script") {
		t.Errorf("the plain board has a script:\n%s", body)
	}
	_, _, body = get(t, h, "/board")
	if !strings.Contains(body, `<noscript><meta http-equiv="refresh"`) || !strings.Contains(body, "/guard.js") {
		t.Errorf("the board has no way out without its script:\n%s", body)
	}
}

func TestBoardWithoutScriptsHasRoomForAll(t *testing.T) {
	for n, want := range map[int]list{0: {}, 4: {}, 5: {Fit: 1}, 7: {Fit: 2}, 16: {Fit: 3}, 20: {Fit: 3, More: 4}} {
		got := fitted(make([]BoardLine, n), 4, 5, 7, 16)
		if got.Fit != want.Fit || got.More != want.More || len(got.Lines)+got.More != n {
			t.Errorf("%d lines: fit %d with %d shown and %d more, want %d with %d more", n, got.Fit, len(got.Lines), got.More, want.Fit, want.More)
		}
	}
}

func TestMenuIsThereBeforeTheScript(t *testing.T) {
	_, _, body := get(t, cafe.handler(built(t)), "/order")
	for _, want := range []string{"<h2>Coffee</h2>", "Latte", "€4.20", "is-out", "Sold out"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	if strings.Contains(body, "€3.05") {
		t.Error("a sold out item still has its price")
	}
}

func TestThemeAndDistanceComeFromAList(t *testing.T) {
	h := cafe.handler(built(t))
	_, _, body := get(t, h, `/display?theme=light&distance=4.5&motion=off`)
	for _, want := range []string{`data-theme="light"`, `data-distance="4.5"`, `data-motion="off"`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	_, _, body = get(t, h, `/display?theme=evil&distance=9`)
	if strings.Contains(body, "evil") || strings.Contains(body, "data-distance") || !strings.Contains(body, `data-theme="dark"`) {
		t.Errorf("unknown words came through or the TV is not dark:\n%s", body)
	}
}

func TestAssetsAreKeptForEver(t *testing.T) {
	h := cafe.handler(built(t))
	_, _, body := get(t, h, "/board")
	_, rest, _ := strings.Cut(body, `href="/assets/`)
	name, _, _ := strings.Cut(rest, `"`)
	code, header, css := get(t, h, "/assets/"+name)
	if code != http.StatusOK || css != "/* board */" || !strings.Contains(header.Get("Cache-Control"), "immutable") {
		t.Errorf("%s: %d %v %q", name, code, header, css)
	}
	if code, _, _ := get(t, h, "/assets/board-0000000000.css"); code != http.StatusNotFound {
		t.Errorf("an old hash answers %d", code)
	}
}

func TestMissingBundleIsSaid(t *testing.T) {
	bare := built(t)
	maps.DeleteFunc(bare, func(name string, _ *fstest.MapFile) bool { return strings.HasPrefix(name, "dist/board") })
	h := cafe.handler(bare)
	code, _, body := get(t, h, "/board")
	if code != http.StatusServiceUnavailable || !strings.Contains(body, "make build") {
		t.Errorf("%d\n%s", code, body)
	}
	if code, _, _ := get(t, h, "/order"); code != http.StatusOK {
		t.Errorf("a page that was built answers %d", code)
	}
}

func TestUnknownPathsAreNotFound(t *testing.T) {
	h := cafe.handler(built(t))
	for _, path := range []string{"/nothing", "/assets/", "/assets/../web.go", "/dist/board.js"} {
		if code, _, _ := get(t, h, path); code != http.StatusNotFound && code != http.StatusTemporaryRedirect && code != http.StatusMovedPermanently {
			t.Errorf("%s answers %d", path, code)
		}
	}
}

func TestBoardOnlyHasNothingElse(t *testing.T) {
	h := cafe.boardOnly(built(t))
	if code, _, body := get(t, h, "/board"); code != http.StatusOK || !strings.Contains(body, "/assets/board-") {
		t.Errorf("/board: %d\n%s", code, body)
	}
	full := loadAssets(built(t))
	for _, path := range []string{"/order", "/display", "/barista", "/ca.pem", full.urls["order.js"], full.urls["display.css"]} {
		if code, _, _ := get(t, h, path); code != http.StatusNotFound {
			t.Errorf("%s answers %d on the board's listener", path, code)
		}
	}
	if code, header, _ := get(t, h, "/"); code != http.StatusSeeOther || header.Get("Location") != "/board" {
		t.Errorf("/ answers %d %v", code, header)
	}
}

func TestCAIsOfferedWhenThereIsOne(t *testing.T) {
	code, header, body := get(t, cafe.handler(built(t)), "/ca.pem")
	if code != http.StatusOK || header.Get("Content-Type") != "application/x-x509-ca-cert" || body != string(cafe.CA) {
		t.Errorf("%d %v %q", code, header, body)
	}
	h := Config{}.handler(built(t))
	if code, _, _ := get(t, h, "/ca.pem"); code != http.StatusNotFound {
		t.Errorf("no authority, but %d", code)
	}
	if _, _, body := get(t, h, "/"); strings.Contains(body, "ca.pem") {
		t.Error("the landing page offers an authority that is not there")
	}
}

func TestPrice(t *testing.T) {
	for want, m := range map[string]MenuItem{
		"€4.20":     {Amount: 420, Currency: "EUR"},
		"$0.05":     {Amount: 5, Currency: "USD"},
		"−£1.00":    {Amount: -100, Currency: "GBP"},
		"12.50 CHF": {Amount: 1250, Currency: "CHF"},
		"300 JPY":   {Amount: 300, Currency: "JPY"},
	} {
		if got := m.Price(); got != want {
			t.Errorf("Price(%+v) = %q, want %q", m, got, want)
		}
	}
}
