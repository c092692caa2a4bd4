package transporttest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/quic-go/quic-go"

	"everything.local/event"
	"everything.local/transport"
)

// TestMovesBorne holds how many moves a connection bears (ADR 12), which is what
// the hub's asking its clients to come again is for. When this fails because they
// bear more, quic-go has been mended, and that can go.
func TestMovesBorne(t *testing.T) {
	const many = 20
	for name, c := range map[string]struct {
		ids  quic.ConnectionIDGenerator
		want int
	}{"with ids": {nil, 2}, "without": {noIDs{}, many}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, webTransport(), setup{pipes: true})
				m := w.mover(c.ids, false)
				f := newFollower(event.Menu)
				s := w.follow(m, Ask{Topics: "menu", Pace: "attentive"})
				untilLive(t, s, f)
				moves := 0
				for moves < many && w.follows(m, s, f) {
					moves++
				}
				if moves != c.want {
					t.Errorf("the connection bore %d moves, want %d", moves, c.want)
				}
			})
		})
	}
}

// follows moves a client and reports whether the hub follows within ten seconds,
// in each of which the client says something.
func (w *world) follows(m *mover, s Stream, f *follower) bool {
	m.rebind(home)
	heard := make(chan Frame, 1)
	go func() { // ends with the connection, at the latest
		for {
			fr, err := s.Next()
			if err != nil || fr.Ping {
				heard <- fr
				return
			}
		}
	}()
	for range 10 {
		m.beat()
		select {
		case fr := <-heard:
			return fr.Ping
		case <-time.After(time.Second):
		}
	}
	m.Close()
	<-heard
	return false
}

// TestAskedToComeAgain: a client whose connection bears few more moves is asked to
// come again, once, by the name it knows the hub by. It follows anew before it
// leaves, with nothing lost or repeated; one that does not care is not left.
func TestAskedToComeAgain(t *testing.T) {
	for _, way := range moving() {
		t.Run(way.Name, func(t *testing.T) { askedToComeAgain(t, way) })
	}
}

func askedToComeAgain(t *testing.T, way Way) {
	w := newWorld(t, way, setup{feed: transport.FeedConfig{Attentive: often}})
	m, f := w.mover(nil, false), newFollower(event.Menu)
	s := w.follow(m, Ask{Topics: "menu", Pace: "attentive"})
	untilLive(t, s, f)
	beside, g := w.follow(w.client(), Ask{Topics: "menu", Pace: "attentive"}), newFollower(event.Menu)
	untilLive(t, beside, g)
	m.rebind(cellular)
	m.beat()
	const most = 200 // pings before it is asked, of which a few will do
	var asked *event.Goaway
	for n := 0; asked == nil && n < most; n++ {
		asked = next(t, s, f).Goaway
	}
	if diff := cmp.Diff(&event.Goaway{WithinMS: 10_000, To: []string{w.target.URL}}, asked); diff != "" {
		t.Errorf("goaway (-want +got):\n%s", diff)
	}

	again, from := f.byTopic()
	anew, h := w.follow(w.client(), again), f.clone()
	h.connect(from)
	untilLive(t, anew, h)

	m.rebind(home) // the last that it bears
	m.beat()
	at := w.happen(put(event.Menu, "latte", 1))
	for _, frames := range [][]Frame{untilAt(t, s, f, at), untilAt(t, anew, h, at), untilAt(t, beside, g, at)} {
		for _, fr := range frames {
			if fr.Goaway != nil {
				t.Errorf("asked again, or another one: %s", fr.Raw)
			}
		}
	}
	w.holds(f)
	w.holds(h)
	w.seen(s, f, 2)
	if stats := w.server.Stats(); stats.Renewals != 1 {
		t.Errorf("%d feeds were asked to come again", stats.Renewals)
	}
	w.closedFor(transport.Drained, 0)
}
