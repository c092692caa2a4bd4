package transporttest

import (
	"errors"
	"io"
	"maps"
	"testing"
	"testing/synctest"

	"everything.local/event"
)

// Run runs every scenario against every way. A way without poll is one in all
// bubbles, so that it is run on sockets alone.
func Run(t *testing.T, ways ...Way) {
	for _, way := range ways {
		t.Run(way.Name, func(t *testing.T) {
			for name, scenario := range onSockets {
				t.Run(name, func(t *testing.T) { scenario(t, way) })
			}
			if way.NoPoll {
				return // as every way is in a bubble
			}
			bubbles := maps.Clone(inBubble)
			if way.lines() {
				maps.Copy(bubbles, talkInBubble)
			}
			for name, scenario := range bubbles {
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { scenario(t, way) })
				})
			}
		})
	}
}

// onSockets are the scenarios that run over TLS on loopback, by name.
var onSockets = map[string]func(*testing.T, Way){
	"snapshot then live":                   snapshotThenLive,
	"cut anywhere and resume by positions": cutAndResumeByPositions,
	"cut anywhere and resume by cursor":    cutAndResumeByCursor,
	"resume by Last-Event-ID":              resumeByLastEventID,
	"topic added on reconnect":             topicAdded,
	"foreign epoch":                        foreignEpoch,
	"position below the floor":             belowFloor,
	"position of an empty topic":           emptyTopic,
	"refused":                              refused,
	"oversize request":                     oversize,
	"many topics in one feed":              manyTopics,
	"stalled reader on a real socket":      stalledOnSocket,
	"slow reader ends in the final state":  conflated,
	"counted":                              counted,
	"as many feeds as there may be":        tooManyFeeds,
}

// inBubble are those that take their time, over pipes in a bubble.
var inBubble = map[string]func(*testing.T, Way){
	"heartbeats, attentive":          heartbeatsAttentive,
	"heartbeats, idle":               heartbeatsIdle,
	"position ahead of the hub":      aheadOfHub,
	"stale until live again":         staleUntilLive,
	"token expires mid-stream":       tokenExpires,
	"slow reader is never cut":       slowReader,
	"stalled reader is closed":       stalledReader,
	"one stalled of several":         oneStalledOfSeveral,
	"goaway in slots":                goawaySlots,
	"drain despite a stalled client": drainDespiteStalled,
}

// next returns the next frame after checking it against the rules.
func next(t *testing.T, s Stream, f *follower) Frame {
	t.Helper()
	fr, err := s.Next()
	if err != nil {
		t.Fatalf("next frame: %v", err)
	}
	if err := f.take(fr); err != nil {
		t.Fatal(err)
	}
	return fr
}

// until takes frames up to the first for which done holds, and returns them.
func until(t *testing.T, s Stream, f *follower, done func(Frame) bool) []Frame {
	t.Helper()
	var frames []Frame
	for {
		fr := next(t, s, f)
		frames = append(frames, fr)
		if done(fr) {
			return frames
		}
	}
}

// untilLive takes frames until the follower has caught up.
func untilLive(t *testing.T, s Stream, f *follower) []Frame {
	t.Helper()
	return until(t, s, f, func(fr Frame) bool { return fr.Live })
}

// untilAt takes frames until the whole subscription is committed up to c.
func untilAt(t *testing.T, s Stream, f *follower, c event.Cursor) []Frame {
	t.Helper()
	return until(t, s, f, func(Frame) bool { return f.Whole.Epoch == c.Epoch && f.Whole.Seq >= c.Seq })
}

// ends checks that the hub ended the feed, in order.
func ends(t *testing.T, s Stream) {
	t.Helper()
	if fr, err := s.Next(); !errors.Is(err, io.EOF) {
		t.Fatalf("got %s, %v, want the end", fr.Raw, err)
	}
}
