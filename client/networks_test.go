package client_test

import (
	"context"
	"net/netip"
	"net/url"
	"os"
	"testing"
	"time"

	"everything.local/client"
	"everything.local/event"
	"everything.local/loadtest/relay"
	"everything.local/loadtest/relay/relaytest"
	"everything.local/loadtest/street"
)

// through runs a relay before the hub, on sockets of the test's if there are
// some, and returns it with the address to give a client.
func through(t *testing.T, s relay.Sockets) (*relay.Relay, string) {
	t.Helper()
	u, err := url.Parse(theHub.url)
	if err != nil {
		t.Fatal(err)
	}
	to, err := netip.ParseAddrPort("127.0.0.1:" + u.Port())
	if err != nil {
		t.Fatal(err)
	}
	r := relaytest.Run(t, relay.Config{Listen: s, To: to})
	return r, "https://" + r.Addr().String()
}

// local is a relay on loopback.
func local(t *testing.T) (*relay.Relay, string) {
	t.Helper()
	return through(t, relay.Sockets{})
}

// onStreet is a relay at the end of a street, for clients with two networks.
func onStreet(t *testing.T) (*street.Street, *relay.Relay, string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("networks of its own are for root to make")
	}
	s, err := street.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	sockets, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	r, at := through(t, sockets)
	return s, r, at
}

// TestBlockedFromTheStart holds that a network without UDP costs a moment.
func TestBlockedFromTheStart(t *testing.T) {
	t.Parallel()
	r, at := local(t)
	r.SetWeather(relay.Weather{Blocked: true})
	c := theHub.client(t, client.Config{Hubs: []string{at}, ServerName: "localhost"})
	var slowest time.Duration
	for range 10 {
		began := time.Now()
		s, err := c.Follow(t.Context(), client.Request{Topics: []string{"menu"}})
		if err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, time.Since(began))
		if s.Wire() != client.WS {
			t.Errorf("over %s", s.Wire())
		}
		s.Close()
	}
	if slowest > time.Second {
		t.Errorf("it took %v to be on TCP", slowest)
	}
	t.Logf("at most %v until it was on TCP", slowest.Round(time.Millisecond))
}

// TestCommandsRide holds that commands go over the connection of a feed, which
// finds its way, and over one of their own when there is none.
func TestCommandsRide(t *testing.T) {
	t.Parallel()
	r, at := local(t)
	c := theHub.client(t, client.Config{Hubs: []string{at}, ServerName: "localhost", Wire: client.WT, Token: theHub.token(t, "customer", "mary")})
	s, err := c.Follow(t.Context(), client.Request{Topics: []string{"menu"}})
	if err != nil {
		t.Fatal(err)
	}
	r.BlockTCP(true)
	r.Rebind()
	latte(t, c, "")
	s.Close()
	r.BlockTCP(false)
	r.SetWeather(relay.Weather{Blocked: true})
	latte(t, c, "")
}

// TestDialNextHub holds that a hub which is down is no reason not to begin.
func TestDialNextHub(t *testing.T) {
	t.Parallel()
	c, err := client.Dial(t.Context(), client.Config{Hubs: []string{"https://127.0.0.1:1", theHub.url}, RootCAs: theHub.roots})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if h, err := c.Hub(t.Context()); err != nil || h.Mode != "live" || !h.Writable {
		t.Errorf("%+v, %v", h, err)
	}
	if _, err := client.Dial(t.Context(), client.Config{Hubs: []string{theHub.url}}); !client.Untrusted(err) {
		t.Errorf("without its authority: %v", err)
	}
}

// TestDialInTheDark holds that a connection is opened over the second network
// where the one that the system prefers leads nowhere.
func TestDialInTheDark(t *testing.T) {
	t.Parallel()
	s, r, at := onStreet(t)
	r.Darken(street.Address(street.Wifi))
	c := theHub.client(t, client.Config{Hubs: []string{at}, ServerName: "localhost", Wire: client.WT, Network: s.Machine()})
	for u, err := range c.Watch(t.Context(), client.Request{Topics: []string{"menu"}}) {
		if err != nil {
			t.Fatal(err)
		}
		if u.Status != nil && u.Status.State == client.Live {
			if u.Status.Path.Interface != string(street.Cell) {
				t.Errorf("live over %s", u.Status.Path)
			}
			break
		}
	}
}

// TestTCPDoesNotLinger holds that a feed over TCP whose network goes is resumed
// over the other one at once: TCP itself would try for minutes, and the silence
// takes 2.5 s to notice.
func TestTCPDoesNotLinger(t *testing.T) {
	t.Parallel()
	s, _, at := onStreet(t)
	c := theHub.client(t, client.Config{Hubs: []string{at}, ServerName: "localhost", Wire: client.WS, Network: s.Machine()})
	var gone time.Time
	for u, err := range c.Watch(t.Context(), client.Request{Topics: []string{"menu"}, Pace: client.Attentive}) {
		if err != nil {
			t.Fatal(err)
		}
		if u.Status == nil || u.Status.State != client.Live {
			continue
		}
		if !gone.IsZero() {
			if took := time.Since(gone); took > 1500*time.Millisecond {
				t.Errorf("live again after %v", took)
			}
			break
		}
		if gone = time.Now(); s.Down(t.Context(), street.Wifi) != nil {
			t.Fatal("the network stays")
		}
	}
}

// TestGuestInDoubt has a guest follow their orders while UDP begins to be
// blocked: the ticket for the second connection does not go by the first.
func TestGuestInDoubt(t *testing.T) {
	t.Parallel()
	r, at := local(t)
	c := theHub.client(t, client.Config{Hubs: []string{at}, ServerName: "localhost"})
	me, err := c.SignIn(t.Context(), "Dorothy")
	if err != nil {
		t.Fatal(err)
	}
	own := client.Request{Topics: []string{string(event.OrdersOf(me.Customer))}, Pace: client.Attentive}
	for range 10 { // on a busy machine another wire may win the race
		if took, ok := untilTCP(t, c, r, own); ok {
			// The next heartbeat is up to a second away.
			if took > 2500*time.Millisecond {
				t.Errorf("on TCP after %v", took)
			}
			return
		}
	}
	t.Error("never on WebTransport")
}

// untilTCP watches over WebTransport, blocks UDP, and returns how long it took
// to be live on TCP; nothing where it was there from the start.
func untilTCP(t *testing.T, c *client.Client, r *relay.Relay, ask client.Request) (took time.Duration, ok bool) {
	t.Helper()
	var blocked time.Time
	for u, err := range c.Watch(t.Context(), ask) {
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case u.Status == nil || u.Status.State != client.Live:
		case u.Status.Wire == client.WT:
			blocked = time.Now()
			r.SetWeather(relay.Weather{Blocked: true})
		default:
			return time.Since(blocked), !blocked.IsZero()
		}
	}
	return 0, false
}
