package main

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"everything.local/loadtest/scenario"
)

var allWires = []string{"ws", "sse", "ndjson", "ndjson-h3", "wt"}

// TestFanout sends each message to watchers on every wire, checks them, and
// measures the hub.
func TestFanout(t *testing.T) {
	t.Parallel()
	h := start(t, "--mode", "test")
	o := h.load(t, "fanout", "--watchers", "5", "--rate", "30", "--for", "1s", "--no-floor", "--wire", "sse,ndjson,ndjson-h3")
	o.passed(t, []string{"sse", "ndjson", "ndjson-h3"}, 5*30)
	if w := o.result.Wires["sse"]; w.CPUPerMillion != nil || w.KiBPerWatcher != nil {
		t.Errorf("the processor of no process was measured: %+v", w)
	}
	o = h.load(t, "fanout", "--watchers", "5", "--rate", "30", "--for", "1s", "--no-floor", "--wire", "ws,wt", "--pid", strconv.Itoa(h.pid))
	o.passed(t, []string{"ws", "wt"}, 5*30)
	for name, w := range o.result.Wires {
		if w.P50 == nil || w.P99 == nil || *w.P50 <= 0 || *w.P99 < *w.P50 || w.CPUPerMillion == nil || *w.CPUPerMillion <= 0 || w.ConnectsPerS == nil {
			t.Errorf("%s was not measured: %+v", name, w)
		}
	}
	if len(o.result.Series) < 4 || !strings.Contains(o.page, "<polyline") {
		t.Errorf("%d plots", len(o.result.Series))
	}
}

// TestFloor measures the bare loop.
func TestFloor(t *testing.T) {
	t.Parallel()
	h := start(t, "--mode", "test")
	o := h.load(t, "floor", "--watchers", "50", "--rate", "200", "--for", "1s")
	o.passed(t, nil, 0)
	f := o.result.Floor["tls_write"]
	if f.CPUPerMillion == nil || f.PerS == nil || *f.CPUPerMillion <= 0 || *f.PerS <= 0 || f.P99 == nil {
		t.Errorf("floor %+v", f)
	}
}

// TestCafe has whole orders, and others who watch and wait.
func TestCafe(t *testing.T) {
	t.Parallel()
	h := start(t, "--mode", "test")
	o := h.load(t, "cafe", "--watchers", "20", "--guests", "10", "--rate", "5", "--for", "1s", "--mix", "ws=50,sse=25,ndjson-h3=10,wt=15")
	// Two kitchens, two boards and a fifth of the orders' guests on each wire;
	// ten orders of five steps.
	o.passed(t, allWires, (2+2)*10*5+10*5/5)
	f := o.result.Figures
	if f["idle_heard"] != 20 || f["sent_to_tv_p99_ms"] <= 0 || f["loaded_sent_to_tv_p99_ms"] <= 0 || f["sent_to_tv_p99_to_floor"] <= 0 {
		t.Errorf("figures %v", f)
	}
	for _, name := range []string{"fsync", "tls_rtt", "fsync_and_tls_rtt"} {
		if p := o.result.Floor[name].P99; p == nil || *p <= 0 {
			t.Errorf("the floor %s was not measured", name)
		}
	}
}

// TestStorm drops everybody: all come back, without a snapshot.
func TestStorm(t *testing.T) {
	t.Parallel()
	h := start(t, "--mode", "test")
	o := h.load(t, "storm", "--watchers", "25", "--rate", "40", "--for", "2s", "--no-floor")
	o.passed(t, allWires, 5*80)
	if o.result.Figures["all_live_again_s"] <= 0 {
		t.Errorf("figures %v", o.result.Figures)
	}
}

// TestStall has some stop reading; they end in the same state as the others.
func TestStall(t *testing.T) {
	t.Parallel()
	h := start(t, "--mode", "test")
	o := h.load(t, "stall", "--watchers", "10", "--rate", "100", "--for", "1s", "--wire", "sse,wt", "--no-floor", "--pid", strconv.Itoa(h.pid))
	o.passed(t, []string{"sse", "wt"}, 3*10*100)
	if o.result.Figures["p99_with_stalled_to_without"] <= 0 {
		t.Errorf("figures %v", o.result.Figures)
	}
}

// TestOthers runs the rest.
func TestOthers(t *testing.T) {
	t.Parallel()
	h := start(t, "--mode", "test")
	o := h.load(t, "connect", "--watchers", "20", "--wire", "ws", "--no-floor", "--pid", strconv.Itoa(h.pid))
	o.passed(t, []string{"ws"}, 0)
	if w := o.result.Wires["ws"]; w.KiBPerWatcher == nil || w.ConnectsPerS == nil || *w.ConnectsPerS <= 0 {
		t.Errorf("ws %+v", w)
	}
	o = h.load(t, "saturate", "--watchers", "5", "--wire", "ws", "--rate", "120", "--max-rate", "250", "--for", "1s", "--keys", "100", "--no-floor", "--p99", "20s")
	// 99 to warm up, for a third of a second more; 120 and 192 of two to an order.
	o.passed(t, []string{"ws"}, 5*(99+120+192))
	if most := o.result.Wires["ws"].MaxPerS; most == nil || *most < 5*60 {
		t.Errorf("saturate found %v\n%s", most, o.said)
	}
	o = h.load(t, "soak", "--watchers", "5", "--rate", "20", "--for", "2s", "--no-floor")
	o.passed(t, allWires, 40)
	if o.result.Figures["go_goroutines_last"] < 10 {
		t.Errorf("figures %v", o.result.Figures)
	}
}

// TestRefused does no harm to who did not ask for it.
func TestRefused(t *testing.T) {
	t.Parallel()
	live := start(t)
	for name, c := range map[string]struct {
		args []string
		told string
	}{
		"elsewhere":     {[]string{"fanout", "--target", "https://192.0.2.1:8443"}, "--i-own-this-target"},
		"no address":    {[]string{"fanout", "--target", "http://localhost"}, "no hub's address"},
		"too many":      {[]string{"fanout", "--watchers", "1000000"}, "--watchers is"},
		"too fast":      {[]string{"fanout", "--rate", "1e6"}, "--rate is"},
		"too long":      {[]string{"fanout", "--for", "1000h"}, "--for is"},
		"pin what":      {[]string{"fanout", "--pin"}, "--pid"},
		"mix":           {[]string{"storm", "--wire", "ws", "--mix", "sse=1"}, "--mix has"},
		"no such token": {[]string{"fanout", "--token-file", "/nonexistent"}, "--token-file"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, said strings.Builder
			if err := run(t.Context(), c.args, &out, &said); !errors.Is(err, scenario.ErrConfig) || !strings.Contains(err.Error(), c.told) || exitCode(err) != 2 {
				t.Errorf("%v, want something of %q", err, c.told)
			}
		})
	}
	if o := live.load(t, "fanout"); !errors.Is(o.err, scenario.ErrConfig) || !strings.Contains(o.err.Error(), "--place-real-orders") {
		t.Errorf("a live hub was put under load: %v", o.err)
	}
	if err := run(t.Context(), []string{"nonsense"}, &strings.Builder{}, &strings.Builder{}); !errors.Is(err, errUsage) {
		t.Error(err)
	}
	var help strings.Builder
	if err := run(t.Context(), []string{"--help"}, &help, &help); err != nil || !strings.Contains(help.String(), "--token-file") {
		t.Errorf("%v: %s", err, &help)
	}
}

// TestMigrate changes networks under a few; how long they notice is held by
// TestMobility.
func TestMigrate(t *testing.T) {
	t.Parallel()
	h := start(t, "--mode", "test")
	journeys := "lossy"
	if os.Geteuid() == 0 {
		journeys += ",there-and-back"
	} else {
		t.Log("not root: leaving out journeys between networks")
	}
	o := h.load(t, "migrate", "--journey", journeys, "--watchers", "3", "--switches", "6", "--rate", "50")
	o.passed(t, nil, 0)
	for _, m := range o.result.Moves {
		if m.Switches != 6 || m.Delivered == 0 || m.Lost+m.Repeated > 0 || m.P99 <= 0 || m.Max < m.P99 {
			t.Errorf("%+v", m)
		}
	}
	if n := len(o.result.Moves); n != strings.Count(journeys, ",")+1 || !strings.Contains(o.page, "Networks that were changed") {
		t.Errorf("%d journeys\n%s", n, o.table)
	}
	for _, wrong := range [][]string{{"--journey", "rocket"}, {"--journey", "restart"}, {"--switches", "1000000"}} {
		if o := h.load(t, append([]string{"migrate"}, wrong...)...); !errors.Is(o.err, scenario.ErrConfig) {
			t.Errorf("%v: %v", wrong, o.err)
		}
	}
}
