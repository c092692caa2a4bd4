package hub

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"everything.local/event"
)

// entriesIn returns "topic/key@seq" of each entry, in order.
func entriesIn(frames []got) []string {
	var s []string
	for _, f := range frames {
		if f.Key != "" {
			s = append(s, fmt.Sprintf("%s/%s@%d", f.Topic, f.Key, f.Seq))
		}
	}
	return s
}

// five puts an event with five entries on two topics between two smaller ones.
func five(r *rig) {
	r.put(set{"a", "k1", "before"})
	r.put(set{"a", "k1", "1"}, set{"b", "k1", "2"}, set{"a", "k2", "3"}, set{"b", "k2", "4"}, set{"a", "k3", "5"})
	r.put(set{"b", "k3", "after"})
}

// TestCutAfterEveryFrame loses the connection after each of the frames of a
// live feed, comes back, and compares with what was not committed before.
func TestCutAfterEveryFrame(t *testing.T) {
	for _, followers := range []int{1, ringFrom} {
		for _, topics := range []string{"a", "b", "a,b"} {
			for _, by := range []resumeBy{byPositions, byCursor} {
				t.Run(fmt.Sprintf("%d followers of %s, %v", followers, topics, by), func(t *testing.T) {
					cutEverywhere(t, followers, strings.Split(topics, ","), by)
				})
			}
		}
	}
}

func cutEverywhere(t *testing.T, followers int, topics []string, by resumeBy) {
	for cut := 0; ; cut++ {
		r := newRig(t)
		for range followers - 1 {
			drain(r.sub(strings.Join(topics, ",")))
		}
		c := newClient(t, r, true, topics...)
		c.drain()
		five(r)
		frames := parse(t, []byte(drain(c.sub)))
		if cut > len(frames) {
			return
		}
		for _, f := range frames[:cut] {
			c.take(f)
		}
		// What is after the last commit, of the topic or of all, comes again.
		committed := func(topic string) uint64 {
			if by == byCursor {
				return c.whole.Seq
			}
			return c.at[topic].Seq
		}
		var want []string
		for _, topic := range topics {
			for _, f := range frames {
				if string(f.Topic) == topic && f.Seq > committed(topic) && !superseded(f, frames) {
					want = append(want, entriesIn([]got{f})...)
				}
			}
		}
		c.connect(by)
		again := parse(t, []byte(drain(c.sub)))
		for _, f := range again {
			c.take(f)
		}
		if diff := cmp.Diff(want, entriesIn(again)); diff != "" {
			t.Errorf("cut after %d frames, resumed (-want +got):\n%s", cut, diff)
		}
		if c.resets > len(topics) || !c.live {
			t.Errorf("cut after %d frames: %d resets, live %t", cut, c.resets, c.live)
		}
		c.wantFinal()
	}
}

func superseded(f got, by []got) bool {
	for _, o := range by {
		if o.Topic == f.Topic && o.Key == f.Key && o.Seq > f.Seq {
			return true
		}
	}
	return false
}

func TestPositions(t *testing.T) {
	const reset = `{"topic":"a","reset":true}`
	const k1, k2 = `{"topic":"a","key":"k1","seq":2,"value":"x"}`, `{"topic":"a","key":"k2","seq":3,"value":"y"}`
	const commit = "{\"cursor\":\"e1.4\"}\te1.4"
	const live = "{\"live\":true,\"cursor\":\"e1.4\",\"now\":\"T\"}\te1.4"
	for name, c := range map[string]struct {
		topics string
		want   []string
	}{
		"none":             {"a", []string{reset, k1, k2, commit, live}},
		"the newest":       {"a@e1.4", []string{live}},
		"an older":         {"a@e1.2", []string{k2, `{"topic":"a","key":"k3","seq":4}`, commit, live}},
		"the first":        {"a@e1.0", []string{k1, k2, `{"topic":"a","key":"k3","seq":4}`, commit, live}},
		"a foreign epoch":  {"a@e2.3", []string{reset, k1, k2, commit, live}},
		"one topic is new": {"a,b@e1.4", []string{reset, k1, k2, commit, live}},
		"an empty topic":   {"nothing", []string{`{"topic":"nothing","reset":true}`, commit, live}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.put(set{"a", "k1", "x"}, set{"a", "k3", "z"})
			r.put(set{"a", "k2", "y"})
			r.put(set{"a", "k3", ""})
			wantSent(t, drain(r.sub(c.topics)), c.want...)
		})
	}
}

func TestBelowTheFloor(t *testing.T) {
	r := newRig(t)
	for n := range MaxTombstones + 1 {
		r.put(set{"a", key(n), "x"}, set{"b", key(n), "x"})
		r.put(set{"a", key(n), ""})
	}
	// The first tombstone, of seq 3, is gone.
	if n := len(parse(t, []byte(drain(r.sub("a@e1.3"))))); n != MaxTombstones+2 {
		t.Errorf("%d frames at the floor, want every tombstone, cursor and live", n)
	}
	frames := parse(t, []byte(drain(r.sub("a@e1.2"))))
	if len(frames) != 3 || !frames[0].Reset {
		t.Errorf("frames below the floor: %+v, want reset, cursor, live", frames)
	}
	if frames := parse(t, []byte(drain(r.sub("b@e1.2")))); frames[0].Reset {
		t.Error("a topic without dropped tombstones was reset")
	}
}

func TestSubscribeToNonsense(t *testing.T) {
	r := newRig(t)
	var many []event.Position
	for n := range event.MaxTopics + 1 {
		many = append(many, event.Position{Topic: event.Topic(key(n))})
	}
	for code, ps := range map[event.Code][]event.Position{
		event.Invalid:       {{Topic: "a"}, {Topic: "b"}, {Topic: "a"}},
		event.TooManyTopics: many,
		event.UnknownTopic:  {{Topic: event.Timers}},
	} {
		if _, err := r.Subscribe(Request{Positions: ps, Encoding: line{}}); event.CodeOf(err) != code {
			t.Errorf("error %v, want code %s", err, code)
		}
	}
	if _, err := r.Subscribe(Request{Encoding: line{}}); event.CodeOf(err) != event.Invalid {
		t.Errorf("error %v of no topics", err)
	}
	if s := r.Stats(); s.Topics != 0 || s.Subscriptions != 0 {
		t.Errorf("something is left: %+v", s)
	}
}
