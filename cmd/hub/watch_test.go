package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"everything.local/auth"
	"everything.local/client"
	"everything.local/event"
	"everything.local/transport/transporttest"
)

const oneLatte = `{"name":"Ada","items":[{"item":"latte","quantity":1}]}`

// order places one latte and returns its id and number.
func (p *process) order(token string) (id string, number int) {
	p.t.Helper()
	o := p.must(token, http.MethodPost, "/v1/orders", oneLatte)["order"].(map[string]any)
	return o["id"].(string), int(o["number"].(float64))
}

// TestWatchCommand holds that hub watch shows each change once, over whatever
// it is told to use, and ends well with Ctrl-C.
func TestWatchCommand(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	barista := p.token(auth.Barista, "bob")
	for i, way := range toolWays {
		t.Run(way.wire+" over "+way.http, func(t *testing.T) {
			t.Parallel()
			u := p.tool("watch", "board,menu", "--wire", way.wire, "--http", way.http)
			u.says(u.err, "live: "+p.url+" over "+way.says)
			if line := u.says(u.out, `.*menu latte: .*`)[0]; !strings.HasSuffix(line, " menu latte: Latte, 3.80 EUR") {
				t.Error(line)
			}
			id, n := p.order(p.token(auth.Customer, fmt.Sprint("ada-", i)))
			u.says(u.out, fmt.Sprintf(`board %d: Latte for Ada, placed\n`, n))
			p.must(barista, http.MethodPost, "/v1/orders/"+id+"/decline", `{"reason":"closing"}`)
			u.says(u.out, fmt.Sprintf(`board %d: gone\n`, n))
			u.interrupt()
			if code := u.code(); code != 0 {
				t.Errorf("ended with %d", code)
			}
			if got := strings.Count(u.out.String(), fmt.Sprintf(" board %d:", n)); got != 2 {
				t.Errorf("%d lines about order %d", got, n)
			}
		})
	}
}

// TestWatchCommandSurvivesKill kills the hub under hub watch and starts it
// again: what happened meanwhile is shown, and nothing twice.
func TestWatchCommandSurvivesKill(t *testing.T) {
	t.Parallel()
	for _, way := range toolWays {
		t.Run(way.wire+" over "+way.http, func(t *testing.T) {
			t.Parallel()
			data, addr := t.TempDir(), transporttest.LastingAddr(t)
			p := start(t, data, "--listen", addr)
			u := p.tool("watch", "board", "--wire", way.wire, "--http", way.http)
			_, before := p.order(p.token(auth.Customer, "ada"))
			u.says(u.out, fmt.Sprintf(`board %d: Latte for Ada, placed\n`, before))
			p.kill()
			u.says(u.err, `lost: .*; reconnecting in`)
			p = start(t, data, "--listen", addr)
			_, after := p.order(p.token(auth.Customer, "ada"))
			u.says(u.out, fmt.Sprintf(`board %d: Latte for Ada, placed\n`, after))
			u.says(u.err, `(?s)lost: .*live: .* over `+way.says)
			u.interrupt()
			if code := u.code(); code != 0 {
				t.Errorf("ended with %d", code)
			}
			if got := strings.Count(u.out.String(), "\n"); got != 2 {
				t.Errorf("%d lines", got)
			}
		})
	}
}

// TestWatchPrintsFrames holds --json and --after: what is printed is the
// protocol's, and its cursors go on from there.
func TestWatchPrintsFrames(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	staff := tokenFile(t, p.token(auth.Barista, "bob"))
	u := p.tool("watch", "kitchen", "--json", "--token-file", staff)
	cursor := u.says(u.out, `"live":true,"cursor":"([^"]+)"`)[1]
	u.interrupt()
	if code := u.code(); code != 0 {
		t.Errorf("ended with %d", code)
	}
	if first, _, _ := strings.Cut(u.out.String(), "\n"); first != `{"topic":"kitchen","reset":true}` {
		t.Error(first)
	}
	for line := range strings.Lines(u.out.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
	id, _ := p.order(p.token(auth.Customer, "ada"))
	u = runTool(t, p.token(auth.Barista, "bob"), "watch", "kitchen", "--json", "--after", cursor, "--hub", p.url, "--data", p.data)
	u.says(u.out, `^{"topic":"kitchen","key":"`+id+`",`)
}

// TestPrinter holds what is printed of what a reset brings again.
func TestPrinter(t *testing.T) {
	var out bytes.Buffer
	p := newPrinter(&out)
	for _, line := range []string{
		`{"topic":"board","reset":true}`,
		`{"topic":"board","key":"1","seq":1,"value":{"number":1,"drink":"Latte","status":"placed"}}`,
		`{"topic":"board","key":"2","seq":2,"value":{"number":2,"drink":"Mocha","status":"placed"}}`,
		`{"topic":"board","key":"3","seq":3,"value":{"number":3,"drink":"Latte","name":"A\u001b[2Jda","status":"picked_up"}}`,
		`{"live":true}`,
		`{"topic":"board","reset":true}`,
		`{"topic":"board","key":"1","seq":1,"value":{"number":1,"drink":"Latte","status":"placed"}}`,
		`{"topic":"board","reset":true}`,
		`{"topic":"board","key":"1","seq":1,"value":{"number":1,"drink":"Latte","status":"placed"}}`,
		`{"topic":"board","key":"2","seq":9,"value":{"number":2,"drink":"Mocha","status":"ready"}}`,
		`{"live":true}`,
		`{"topic":"news","key":"x","seq":9,"value":7}`,
	} {
		var f client.Frame
		if err := json.Unmarshal([]byte(line), &f.Frame); err != nil {
			t.Fatal(err)
		}
		if err := p.take(f); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		_, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		got = append(got, text)
	}
	want := "board 1: Latte, placed|board 2: Mocha, placed|board 3: Latte for A [2Jda, picked up|board 2: Mocha, ready|board 3: gone|news x: 7"
	if strings.Join(got, "|") != want {
		t.Errorf("%q", got)
	}
}

// TestValueWords holds how entries read.
func TestValueWords(t *testing.T) {
	for _, c := range []struct {
		topic       event.Topic
		value, want string
	}{
		{"menu", `{"name":"Latte","price":{"amount":380,"currency":"EUR"},"available":true}`, "Latte, 3.80 EUR"},
		{"menu", `{"name":"Latte","price":{"amount":380,"currency":"JPY"},"available":false}`, "Latte, 380 JPY, sold out"},
		{"menu", `{"name":"Bun","price":{"amount":5,"currency":"EUR"},"available":true,"remaining":3}`, "Bun, 0.05 EUR, 3 left"},
		{"announcements", `{"text":"Two\nlines"}`, "Two lines"},
		{"kitchen", `{"number":7,"name":"Ada","note":"hot","status":"ready","items":[{"name":"Latte","quantity":2,"size":{"name":"Large"},"options":[{"name":"Whole milk","default":true},{"name":"Extra shot"}]},{"name":"Bun","quantity":1}]}`, `order 7 for Ada: 2 Latte (Large, Extra shot), Bun ("hot"), ready`},
		{"orders/aaaaaaaaaaaaaaaaaaaa", `{"number":7,"status":"placed","items":[{"name":"Bun","quantity":1}]}`, "order 7: Bun, placed"},
		{"board", `"what a newer hub says"`, `"what a newer hub says"`},
	} {
		if got := valueWords(c.topic, json.RawMessage(c.value)); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}
