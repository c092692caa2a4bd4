package client

import (
	"encoding/json"
	"testing"

	"everything.local/event"
)

// TestPositions holds what of a feed is new to a watch, and where it resumes.
func TestPositions(t *testing.T) {
	const tombstone, second = `{"topic":"board","key":"a","seq":5}`, `{"topic":"board","key":"b","seq":5,"value":1,"cursor":"e.5"}`
	for _, c := range []struct {
		name   string
		frames []string
		fresh  string // y or n of each frame
		at     string
	}{
		{"nothing yet", nil, "", "board,menu"},
		{"a snapshot cut short", []string{`{"topic":"board","reset":true}`, `{"topic":"board","key":"a","seq":3,"value":1}`}, "yy", "board,menu"},
		{"a snapshot", []string{`{"topic":"board","reset":true}`, `{"topic":"board","key":"a","seq":3,"value":1}`, `{"cursor":"e.4"}`}, "yyy", "board@e.4,menu@e.4"},
		{"one topic ahead of the batch", []string{`{"cursor":"e.4"}`, second, `{"live":true,"cursor":"e.4"}`}, "yyy", "board@e.5,menu@e.4"},
		{"cut between two entries of an event", []string{`{"cursor":"e.4"}`, tombstone, tombstone, second}, "yyny", "board@e.5,menu@e.4"},
		{"an older value after its end", []string{`{"cursor":"e.3"}`, tombstone, `{"topic":"board","key":"a","seq":4,"value":1}`}, "yyn", "board@e.3,menu@e.3"},
		{"again after the commit", []string{second, second, tombstone}, "ynn", "board@e.5,menu"},
		{"another key of the next event", []string{second, `{"topic":"board","key":"a","seq":6,"value":1}`}, "yy", "board@e.5,menu"},
		{"the same again after a reset", []string{second, `{"topic":"board","reset":true}`, second}, "yyy", "board@e.5,menu"},
		{"another epoch", []string{`{"cursor":"e.40"}`, `{"topic":"board","reset":true}`, `{"topic":"board","key":"a","seq":1,"value":1}`, `{"cursor":"f.2"}`}, "yyyy", "board@f.2,menu@f.2"},
		{"unknown frames and topics", []string{`{"new":1}`, `{"topic":"news","key":"a","seq":1}`}, "yy", "board,menu"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPositions([]event.Position{{Topic: "board"}, {Topic: "menu"}})
			fresh := ""
			for _, line := range c.frames {
				var f event.Frame
				if err := json.Unmarshal([]byte(line), &f); err != nil {
					t.Fatal(err)
				}
				if p.take(f) {
					fresh += "y"
				} else {
					fresh += "n"
				}
			}
			if fresh != c.fresh || p.String() != c.at {
				t.Errorf("fresh %s, want %s; at %s, want %s", fresh, c.fresh, p, c.at)
			}
		})
	}
}

// TestPositionsKeepNothing holds that a watch does not grow with what it saw.
func TestPositionsKeepNothing(t *testing.T) {
	p := newPositions([]event.Position{{Topic: "board"}})
	for seq := uint64(1); seq < 100; seq++ {
		c := event.Cursor{Epoch: "e", Seq: seq}
		p.take(event.Frame{Topic: "board", Key: c.String(), Seq: seq, Cursor: c.String()})
	}
	if n := len(p.seen["board"]); n != 0 {
		t.Errorf("%d keys are kept", n)
	}
}
