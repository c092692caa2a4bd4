package transporttest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"everything.local/event"
	"everything.local/transport"
)

// refusedCase is something that no way may serve.
type refusedCase struct {
	name string
	ask  Ask
	code event.Code
}

// notAllowed is to be refused however it is asked for.
var notAllowed = []refusedCase{
	{"private topic of nobody", Ask{Topics: "kitchen"}, event.Unauthenticated},
	{"private topic among public ones", Ask{Topics: "menu,board,kitchen"}, event.Unauthenticated},
	{"kitchen for a customer", Ask{Topics: "kitchen", Token: ada}, event.Forbidden},
	{"another customer's orders", Ask{Topics: "orders/bob", Token: ada}, event.Forbidden},
	{"forged token", Ask{Topics: "menu", Token: "forged"}, event.BadToken},
	{"unknown topic", Ask{Topics: "cellar"}, event.UnknownTopic},
	{"the hub's own topic", Ask{Topics: "timers", Token: barista}, event.UnknownTopic},
	{"topic twice", Ask{Topics: "menu,menu"}, event.Invalid},
	{"bad after", Ask{Topics: "menu", After: "yesterday"}, event.BadCursor},
	{"bad position", Ask{Topics: "menu@1"}, event.BadCursor},
	{"unknown pace", Ask{Topics: "menu", Pace: "hectic"}, event.Invalid},
}

// badRequests are those of a URL and its headers.
var badRequests = []refusedCase{
	{"no topic", Ask{}, event.Invalid},
	{"10,000 topics", Ask{Extra: "topics=" + strings.Repeat("menu,", 9999) + "menu"}, event.TooManyTopics},
	{"bad Last-Event-ID", Ask{Topics: "menu", LastEventID: "1"}, event.BadCursor},
	{"token in the address", Ask{Topics: "menu", Extra: "access_token=ada"}, event.Invalid},
	{"unknown parameter", Ask{Topics: "menu", Extra: "since=1"}, event.UnknownField},
	{"parameter twice", Ask{Topics: "menu", Extra: "topics=board"}, event.Invalid},
	{"malformed query", Ask{Extra: "topics=%zz"}, event.Malformed},
	{"another form", Ask{Topics: "menu", Accept: "text/html"}, event.NotAcceptable},
	{"POST", Ask{Topics: "menu", Method: http.MethodPost}, event.MethodNotAllowed},
}

// badLines are those of a line.
var badLines = []refusedCase{
	{"no topic", Ask{Line: "{}"}, event.Invalid},
	{"1,000 topics", Ask{Topics: strings.Repeat("menu,", 999) + "menu"}, event.TooManyTopics},
	{"no JSON", Ask{Line: "topics=menu"}, event.Malformed},
	{"no object", Ask{Line: `["menu"]`}, event.Malformed},
	{"two objects", Ask{Line: `{"topics":"menu"} {"topics":"menu"}`}, event.Malformed},
	{"empty line", Ask{Line: " "}, event.Malformed},
	{"unknown member", Ask{Line: `{"topics":"menu","since":"1"}`}, event.UnknownField},
	{"member twice", Ask{Line: `{"topics":"menu","topics":"board"}`}, event.Malformed},
	{"member of another type", Ask{Line: `{"topics":["menu"]}`}, event.Invalid},
	{"not UTF-8", Ask{Line: "{\"topics\":\"\xff\"}"}, event.BadText},
	{"too long", Ask{Line: `{"topics":"` + strings.Repeat("x", transport.MaxLine) + `"}`}, event.TooLarge},
}

func refused(t *testing.T, way Way) {
	w := newWorld(t, way, setup{})
	c := w.client()
	cases := slices.Concat(notAllowed, badRequests)
	if way.lines() {
		cases = slices.Concat(notAllowed, badLines)
	}
	for _, tt := range cases {
		r := w.refusal(c, tt.ask)
		if r.Fault.Code != tt.code || r.Fault.Detail == "" {
			t.Errorf("%s: got %v, want %s and a sentence", tt.name, r, tt.code)
		}
		if tt.code == event.MethodNotAllowed && r.Allow != http.MethodGet {
			t.Errorf("%s: Allow is %q", tt.name, r.Allow)
		}
	}
	if way.lines() {
		// The address of an upgrade says nothing, so nothing secret either.
		if r := w.refusal(w.client(), Ask{Topics: "menu", Extra: "topics=menu"}); r.Status != http.StatusBadRequest || r.Fault.Code != event.Invalid {
			t.Errorf("query in the address: got %v", r)
		}
	} else if r := w.refusal(c, Ask{Topics: "menu", Method: http.MethodHead}); r.Status != http.StatusMethodNotAllowed {
		t.Errorf("HEAD: got %v", r)
	}
	if n := w.feed.Stats()[way.name()]; n.Fresh+n.Resumed > 0 {
		t.Errorf("feeds were opened: %+v", n)
	}
}

// refusal asks for what must be refused.
func (w *world) refusal(c Client, ask Ask) *Refusal {
	w.t.Helper()
	s, err := c.Follow(context.Background(), ask)
	if err == nil {
		s.Close()
		w.t.Fatalf("%+.100v was not refused", ask)
	}
	r, ok := errors.AsType[*Refusal](err)
	if !ok {
		w.t.Fatalf("%+.100v: %v", ask, err)
	}
	return r
}

// oversize: net/http refuses before any handler, so there is no code, but the
// status says it all and the connection is of use for others.
func oversize(t *testing.T, way Way) {
	w := newWorld(t, way, setup{})
	c := w.client()
	s, err := c.Follow(context.Background(), Ask{Topics: "menu", Extra: "since=" + strings.Repeat("x", 256<<10)})
	if err == nil {
		s.Close()
		t.Fatal("a request of 256 KiB was not refused")
	}
	if r, ok := errors.AsType[*Refusal](err); ok && r.Status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %v, want 431", r)
	}
	untilLive(t, w.follow(c, Ask{Topics: "menu"}), newFollower(event.Menu))
}

// manyTopics is a feed of as many topics as there may be.
func manyTopics(t *testing.T, way Way) {
	w := newWorld(t, way, setup{})
	f := newFollower()
	for i := range event.MaxTopics {
		f.Topics = append(f.Topics, event.OrdersOf(string(rune('a'+i))))
	}
	ask, _ := f.byTopic()
	ask.Token = barista
	s := w.follow(w.client(), ask)
	untilLive(t, s, f)
	var changes []change
	for i, topic := range f.Topics {
		changes = append(changes, put(topic, "1", i))
	}
	untilAt(t, s, f, w.happen(changes...))
	w.holds(f)
}

func tooManyFeeds(t *testing.T, way Way) {
	w := newWorld(t, way, setup{feed: transport.FeedConfig{MaxFeeds: 2}})
	c := w.client()
	first := w.follow(c, Ask{Topics: "menu", Token: barista + "/first"})
	w.follow(c, Ask{Topics: "menu"})
	r := w.refusal(c, Ask{Topics: "menu"})
	if r.Fault.Code != event.Unavailable || r.RetryAfter == "" {
		t.Errorf("got %v, Retry-After %q", r, r.RetryAfter)
	}
	first.Close()
	w.awaitEnd(barista + "/first")
	untilLive(t, w.follow(c, Ask{Topics: "menu"}), newFollower(event.Menu))
}

// awaitEnd waits until the request with the token has been answered.
func (w *world) awaitEnd(token string) {
	w.t.Helper()
	for {
		select {
		case got := <-w.ended:
			if got == token {
				return
			}
		case <-w.t.Context().Done():
			w.t.Fatalf("the feed of %s did not end", token)
		}
	}
}
