package scenario

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"everything.local/loadtest/check"
	"everything.local/loadtest/feed"
	"everything.local/loadtest/floor"
)

func parse(t *testing.T, s string) *feed.Frame {
	t.Helper()
	f := new(feed.Frame)
	if err := f.Parse([]byte(s)); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestSight reads steps off what kitchens, boards and guests are sent.
func TestSight(t *testing.T) {
	staff := &sight{orders: map[string]int{}, every: 1, ends: true}
	own := &sight{orders: map[string]int{}, every: 10}
	for _, c := range []struct {
		v     *sight
		frame string
		want  int
	}{
		{staff, `{"topic":"kitchen","key":"a","seq":1,"value":{"id":"a","number":7,"status":"placed","name":"load#12","items":[{"name":"Latte"}]}}`, 60},
		{staff, `{"topic":"kitchen","key":"a","seq":2,"value":{"id":"a","number":7,"status":"preparing","name":"load#12"}}`, 62},
		{staff, `{"topic":"board","key":"7","seq":2,"value":{"number":7,"name":"load#12","drink":"Latte","status":"ready"}}`, 63},
		{staff, `{"topic":"kitchen","key":"a","seq":3}`, 64},
		{staff, `{"topic":"kitchen","key":"a","seq":3}`, -1}, // whose order is gone already
		{staff, `{"topic":"kitchen","key":"b","seq":3}`, -1}, // somebody else's
		{staff, `{"topic":"kitchen","key":"b","seq":4,"value":{"status":"placed","name":"Ada"}}`, -1},
		{staff, `{"topic":"kitchen","key":"b","seq":4,"value":{"status":"lost","name":"load#1"}}`, -1},
		{own, `{"topic":"orders/x","key":"a","seq":1,"value":{"status":"picked_up","name":"load#12"}}`, 9},
		{own, `{"topic":"orders/x","key":"a","seq":9}`, -1}, // which the topic keeps no longer
	} {
		if got := c.v.step(parse(t, c.frame)); got != c.want {
			t.Errorf("%s is step %d, want %d", c.frame, got, c.want)
		}
	}
}

// TestBulkNumbers: what an order takes off the stock tells which message it is,
// whatever the number of lines.
func TestBulkNumbers(t *testing.T) {
	b := &bulk{menu: &menu{keys: 2 * perOrder}, groups: 2}
	b.reset()
	course := check.NewCourse(1000)
	left := make([]int, b.keys)
	for k := range left {
		left[k] = stock
	}
	for order, lines := range []int{1, 3, perOrder, 2, 1} {
		turn := order % b.groups
		first := b.number(course, turn, lines, time.Unix(0, 0))
		for i := range lines {
			k := turn*perOrder + i
			left[k]--
			f := parse(t, fmt.Sprintf(`{"topic":"menu","key":"load-%03d","seq":1,"value":{"remaining":%d}}`, k, left[k]))
			if got := b.step(f); got != first+i {
				t.Errorf("line %d of order %d is message %d, want %d", i, order, got, first+i)
			}
		}
	}
	for _, other := range []string{`{"key":"latte","value":{"remaining":3}}`, `{"key":"load-000","value":{"remaining":10000}}`, `{"key":"load-000","value":{}}`, `{"key":"load-000"}`, `{"key":"load-999","value":{"remaining":1}}`} {
		if got := b.step(parse(t, other)); got >= 0 {
			t.Errorf("%s is message %d", other, got)
		}
	}
}

// TestLines keeps commands at a rate that a hub takes.
func TestLines(t *testing.T) {
	for rate, want := range map[float64]int{1: 1, 105: 1, 106: 2, 1000: 10, 2100: 20, 9000: 20} {
		if got := lines(rate); got != want {
			t.Errorf("%g a second: %d lines, want %d", rate, got, want)
		}
	}
}

// TestMix spreads any part of a crowd alike.
func TestMix(t *testing.T) {
	r := &Run{Config: Config{Wires: feed.Wires, Mix: []Share{{feed.WS, 50}, {feed.SSE, 25}, {feed.NDJSONH3, 10}, {feed.WT, 15}}}}
	for _, from := range []int{0, 100, 9900} {
		counts := map[feed.Wire]int{}
		for i := range 100 {
			counts[r.wireOf(from+i)]++
		}
		for _, s := range r.Mix {
			if counts[s.Wire] != s.Parts {
				t.Errorf("%d of 100 from %d on %s, want %d", counts[s.Wire], from, s.Wire, s.Parts)
			}
		}
	}
	r.Mix = nil
	if r.wireOf(0) == r.wireOf(1) {
		t.Error("without a mix wires do not take turns")
	}
}

// TestFloorFrame: the floor writes as much as a hub, and what it writes can be
// read.
func TestFloorFrame(t *testing.T) {
	r := &Run{Config: Config{Bytes: 200}}
	r.hub.Epoch = "abcdefgh"
	f := parse(t, strings.ReplaceAll(r.floorFrame(), floor.Mark, "00000042"))
	if len(f.Value) != 200 || f.Seq != 100000042 || count(f.Value) != 42 || string(f.Cursor) != "abcdefgh.100000042" {
		t.Errorf("value of %d bytes, sequence %d", len(f.Value), f.Seq)
	}
}
