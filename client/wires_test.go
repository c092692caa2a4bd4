package client_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"testing"

	"everything.local/client"
	"everything.local/event"
	"everything.local/proto"
	"everything.local/transport/transporttest"
)

// ways are all wires over all protocols they run on, and what carries them.
var ways = []struct {
	wire     client.Wire
	protocol client.Protocol
	carried  string
}{
	{client.NDJSON, client.HTTP1, "HTTP/1.1"},
	{client.NDJSON, client.HTTP2, "HTTP/2"},
	{client.NDJSON, client.HTTP3, "HTTP/3"},
	{client.SSE, client.HTTP1, "HTTP/1.1"},
	{client.SSE, client.HTTP2, "HTTP/2"},
	{client.SSE, client.HTTP3, "HTTP/3"},
	{client.WS, client.HTTP1, "HTTP/1.1"},
	{client.WT, client.HTTP3, "HTTP/3"},
}

// eachWay runs a test over every way.
func eachWay(t *testing.T, test func(t *testing.T, w client.Wire, p client.Protocol, carried string)) {
	for _, way := range ways {
		t.Run(fmt.Sprintf("%s over HTTP %s", way.wire, way.protocol), func(t *testing.T) {
			t.Parallel()
			test(t, way.wire, way.protocol, way.carried)
		})
	}
}

// latte orders one latte.
func latte(t *testing.T, c *client.Client, note string) client.OrderAnswer {
	t.Helper()
	a, err := c.Place(t.Context(), &proto.PlaceOrderRequest{Name: "Ada", Note: note, Items: []*proto.LineRequest{{Item: "latte"}}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// until reads frames until one is wanted.
func until(t *testing.T, s *client.Stream, wanted func(client.Frame) bool) client.Frame {
	t.Helper()
	for {
		f, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if wanted(f) {
			return f
		}
	}
}

func isLive(f client.Frame) bool { return f.Live }

// TestFollow holds that every wire brings what there is and what happens, to
// those who may see it, from where they were.
func TestFollow(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, w client.Wire, p client.Protocol, carried string) {
		guest := theHub.client(t, client.Config{Wire: w, Protocol: p})
		me, err := guest.SignIn(t.Context(), "Ada")
		if err != nil {
			t.Fatal(err)
		}
		own := string(event.OrdersOf(me.Customer))
		s, err := guest.Follow(t.Context(), client.Request{Topics: []string{"menu", own}, Pace: client.Attentive})
		if err != nil {
			t.Fatal(err)
		}
		if s.Wire() != w || s.Protocol() != carried {
			t.Errorf("over %s and %s", s.Wire(), s.Protocol())
		}
		until(t, s, func(f client.Frame) bool { return f.Topic == event.Menu && f.Key == "latte" })
		at := until(t, s, isLive).Cursor
		placed := latte(t, guest, "")
		until(t, s, func(f client.Frame) bool { return f.Key == placed.GetOrder().GetId() })
		s.Close()
		if _, err := s.Next(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}

		s, err = guest.Follow(t.Context(), client.Request{Topics: []string{own}, After: at})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if f, err := s.Next(); err != nil || f.Reset || f.Key != placed.GetOrder().GetId() {
			t.Errorf("resumed with %s, %v", f.Raw, err)
		}
	})
}

// TestFollowWithAToken holds that a token opens on every wire what it is for.
func TestFollowWithAToken(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, w client.Wire, p client.Protocol, _ string) {
		staff := theHub.client(t, client.Config{Wire: w, Protocol: p, Token: theHub.token(t, "barista", "bob")})
		s, err := staff.Follow(t.Context(), client.Request{Topics: []string{"kitchen"}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		until(t, s, isLive)
	})
}

// TestFollowRefused holds that every wire tells why it is refused.
func TestFollowRefused(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, w client.Wire, p client.Protocol, _ string) {
		for _, c := range []struct {
			request client.Request
			token   client.TokenSource
			code    event.Code
			field   string
		}{
			{client.Request{Topics: []string{"kitchen"}}, nil, event.Unauthenticated, "topics"},
			{client.Request{Topics: []string{"kitchen"}}, theHub.token(t, "customer", "ada"), event.Forbidden, "topics"},
			{client.Request{Topics: []string{"menu"}}, client.StaticToken("nonsense"), event.BadToken, ""},
			{client.Request{Topics: []string{"bord"}}, nil, event.UnknownTopic, "topics"},
			{client.Request{Topics: []string{"board"}, After: "x"}, nil, event.BadCursor, "after"},
			{client.Request{Topics: []string{"board"}, Pace: "hectic"}, nil, event.Invalid, "pace"},
		} {
			s, err := theHub.client(t, client.Config{Wire: w, Protocol: p, Token: c.token}).Follow(t.Context(), c.request)
			if c.code == event.BadToken && (w == client.WS || w == client.WT) {
				c.field = "token" // of the first line
			}
			refused, ok := errors.AsType[*client.Error](err)
			if !ok || refused.Code != c.code || refused.Field != c.field || refused.Detail == "" {
				t.Errorf("%+v: %v", c.request, err)
			}
			if s != nil {
				s.Close()
			}
		}
	})
}

// TestWatchSurvivesTheHub kills the hub under a watch, with kill -9, later stops
// it in good order, and each time starts it again. Every order shows once.
func TestWatchSurvivesTheHub(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, w client.Wire, p client.Protocol, _ string) {
		hub, err := start(t.TempDir(), transporttest.LastingAddr(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { hub.kill() })
		c := hub.client(t, client.Config{Wire: w, Protocol: p})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		lines, states := make(chan string, 100), make(chan client.State, 100)
		done := make(chan error, 1)
		go func() {
			for u, err := range c.Watch(ctx, client.Request{Topics: []string{"board", "announcements"}, Pace: client.Attentive}) {
				switch {
				case err != nil:
					done <- err
				case u.Status != nil:
					states <- u.Status.State
				case u.Key != "":
					lines <- u.Key
				}
			}
		}()
		expect(t, states, client.Connecting, client.Live)
		orders := hub.client(t, client.Config{})
		if _, err := orders.SignIn(t.Context(), "Ada"); err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= 4; n++ {
			placed := latte(t, orders, "")
			if got := <-lines; got != strconv.Itoa(n) || int(placed.GetOrder().GetNumber()) != n {
				t.Fatalf("order %d shows as %s", placed.GetOrder().GetNumber(), got)
			}
			if n%2 == 0 {
				if n == 2 {
					hub.kill()
				} else if err := hub.stop(); err != nil {
					t.Error(err)
				}
				expect(t, states, client.Waiting)
				if hub, err = start(hub.data, hub.listen()); err != nil {
					t.Fatal(err)
				}
				expect(t, states, client.Live)
			}
		}
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if len(lines) > 0 {
			t.Errorf("%s came again", <-lines)
		}
	})
}

// expect waits for states in this order. One that is said again, as each try
// that fails is, counts once.
func expect(t *testing.T, states <-chan client.State, want ...client.State) {
	t.Helper()
	var last client.State
	for _, w := range want {
		s := <-states
		for s != w && s == cmp.Or(last, client.Waiting) {
			s = <-states
		}
		if s != w {
			t.Fatalf("%s instead of %s", s, w)
		}
		last = s
	}
}

// TestAuto holds that a wire is found without being told, among those that the
// protocol leaves. Which one wins on a busy machine is open here, and held by
// the tests of the race.
func TestAuto(t *testing.T) {
	t.Parallel()
	for protocol, among := range map[client.Protocol][]client.Wire{
		client.AnyHTTP: {client.WT, client.WS, client.NDJSON},
		client.HTTP1:   {client.WS, client.NDJSON},
		client.HTTP2:   {client.NDJSON},
		client.HTTP3:   {client.WT, client.NDJSON},
	} {
		s, err := theHub.client(t, client.Config{Protocol: protocol}).Follow(t.Context(), client.Request{Topics: []string{"menu"}})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(among, s.Wire()) {
			t.Errorf("%s over HTTP %q", s.Wire(), protocol)
		}
		s.Close()
	}
}

// TestUntrusted holds that a hub which anybody could be is not spoken to.
func TestUntrusted(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, w client.Wire, p client.Protocol, _ string) {
		c, err := client.New(client.Config{Hubs: []string{theHub.url}, Wire: w, Protocol: p, Token: client.StaticToken("secret")})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Follow(t.Context(), client.Request{Topics: []string{"menu"}}); !client.Untrusted(err) {
			t.Errorf("follow: %v", err)
		}
		if _, err := c.SignIn(t.Context(), "Ada"); !client.Untrusted(err) {
			t.Errorf("call: %v", err)
		}
	})
}
