package transporttest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"everything.local/event"
	"everything.local/transport"
)

// Talker is the Stream of a wire on which the client may speak while it
// listens.
type Talker interface {
	Stream
	// Say sends a line.
	Say(line string) error
}

// talkInBubble are the scenarios of such wires that take their time.
var talkInBubble = map[string]func(*testing.T, Way){
	"change of pace":                changeOfPace,
	"client's own heartbeats":       clientHeartbeats,
	"lines that end a feed":         badLinesLater,
	"flood of lines":                floodOfLines,
	"no subscription in time":       noSubscription,
	"drain before the subscription": drainUnheard,
}

// talk opens a feed of the menu that is live.
func (w *world) talk(c Client, ask Ask) (Talker, *follower) {
	w.t.Helper()
	ask.Topics = "menu"
	f := newFollower(event.Menu)
	s := w.follow(c, ask)
	untilLive(w.t, s, f)
	return s.(Talker), f
}

func (w *world) say(s Talker, line string) {
	w.t.Helper()
	if err := s.Say(line); err != nil {
		w.t.Fatalf("say %.40s: %v", line, err)
	}
}

// changeOfPace: the heartbeat's interval is that of the newest pace, from when
// it was asked for.
func changeOfPace(t *testing.T, way Way) {
	w := newWorld(t, way, setup{pipes: true})
	s, f := w.talk(w.client(), Ask{})
	for _, step := range []struct {
		line  string
		every time.Duration
	}{
		{`{"pace":"attentive"}`, time.Second},
		{`{"pace":"attentive"}`, time.Second}, // the same again moves no ping
		{`{"pace":"idle"}`, 20 * time.Second},
	} {
		at := time.Now()
		w.say(s, step.line)
		for i := range 2 {
			fr := next(t, s, f)
			if late := time.Since(at) - time.Duration(i+1)*step.every; !fr.Ping || late < 0 || late > way.late() {
				t.Fatalf("%s: after %v came %s, want ping %d", step.line, time.Since(at), fr.Raw, i+1)
			}
		}
	}
}

// clientHeartbeats need no answer and change nothing.
func clientHeartbeats(t *testing.T, way Way) {
	w := newWorld(t, way, setup{pipes: true})
	s, f := w.talk(w.client(), Ask{})
	start := time.Now()
	for range 200 {
		time.Sleep(time.Second / 10)
		w.say(s, `{"ping":true}`)
	}
	if fr := next(t, s, f); !fr.Ping || time.Since(start) != 20*time.Second {
		t.Errorf("after %v came %s, want a ping after 20 s", time.Since(start), fr.Raw)
	}
	untilAt(t, s, f, w.happen(put(event.Menu, "latte", 1)))
}

// badLinesLater: a client that says what it must not is told so, and the feed
// ends.
func badLinesLater(t *testing.T, way Way) {
	w := newWorld(t, way, setup{pipes: true})
	c := w.client()
	lines := map[string]event.Code{
		`{"pace":"hectic"}`:   event.Invalid,
		`{"pace":1}`:          event.Invalid,
		`{"topics":"board"}`:  event.UnknownField,
		`{"token":"barista"}`: event.UnknownField,
		`pong`:                event.Malformed,
		`[]`:                  event.Malformed,
	}
	for line, code := range lines {
		s, f := w.talk(c, Ask{Token: barista})
		w.say(s, line)
		if fr := next(t, s, f); fr.Error == nil || fr.Error.Code != code || fr.Error.Detail == "" {
			t.Errorf("%s: got %s, want the error %s", line, fr.Raw, code)
		}
		ends(t, s)
		w.awaitEnd(barista)
	}
	w.closedFor(transport.Refused, uint64(len(lines)))
}

// floodOfLines: a few at once are fine, more end the feed.
func floodOfLines(t *testing.T, way Way) {
	w := newWorld(t, way, setup{pipes: true})
	s, f := w.talk(w.client(), Ask{Token: barista})
	const atOnce = 30
	for range atOnce {
		w.say(s, `{"ping":true}`)
	}
	untilAt(t, s, f, w.happen(put(event.Menu, "latte", 1)))
	for range atOnce {
		if s.Say(`{"ping":true}`) != nil {
			break // it has ended
		}
	}
	if fr := next(t, s, f); fr.Error == nil || fr.Error.Code != event.TooManyRequests {
		t.Errorf("got %s, want the error too_many_requests", fr.Raw)
	}
	ends(t, s)
	w.awaitEnd(barista)
	w.closedFor(transport.Refused, 1)
}

// noSubscription: who connects and does not finish the first line is told after
// a while, and no feed was opened.
func noSubscription(t *testing.T, way Way) {
	w := newWorld(t, way, setup{pipes: true})
	start := time.Now()
	r := w.refusal(w.client(), Ask{Line: `{"topics":"` + strings.Repeat("m", 600), Unfinished: true})
	if took := time.Since(start); r.Fault.Code != event.RequestTimeout || took != transport.SubscribeTimeout {
		t.Errorf("after %v: got %v, want request_timeout after %v", took, r, transport.SubscribeTimeout)
	}
	if n := w.feed.Stats()[way.name()]; n.Fresh+n.Resumed > 0 {
		t.Errorf("feeds were opened: %+v", n)
	}
}

// drainUnheard: a hub that stops does not wait for a client of whom no
// subscription has come, and tells it so.
func drainUnheard(t *testing.T, way Way) {
	w := newWorld(t, way, setup{pipes: true, server: transport.ServerConfig{DrainWindow: time.Second}})
	c := w.client()
	refused := make(chan error, 1)
	go func() {
		_, err := c.Follow(context.Background(), Ask{Line: `{"topics":"menu"`, Unfinished: true})
		refused <- err
	}()
	time.Sleep(time.Second) // it is waited for
	start := time.Now()
	w.stop()
	r, ok := errors.AsType[*Refusal](<-refused)
	if !ok || r.Fault.Code != event.ShuttingDown || r.RetryAfter == "" || time.Since(start) > time.Second/2 {
		t.Errorf("after %v: got %v, want shutting_down at once", time.Since(start), r)
	}
	<-w.done
	// A client may take a second to read to the end.
	if took := time.Since(start); took > 1500*time.Millisecond {
		t.Errorf("the drain took %v", took)
	}
}
