package ws

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"everything.local/transport"
)

// TestIndependentPeer follows a feed with somebody else's client.
func TestIndependentPeer(t *testing.T) {
	r := newRig(t, setup{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := r.independent(ctx, t, &websocket.DialOptions{CompressionMode: websocket.CompressionContextTakeover, Subprotocols: []string{"feed"}})
	if c.Subprotocol() != "" {
		t.Errorf("the subprotocol is %q", c.Subprotocol())
	}
	said := make(chan string)
	go func() {
		defer close(said)
		for {
			kind, b, err := c.Read(ctx)
			if err != nil {
				said <- "closed with " + websocket.CloseStatus(err).String()
				return
			}
			if kind != websocket.MessageText {
				t.Errorf("got a message of kind %v", kind)
			}
			said <- string(b)
		}
	}()
	wantSaid(t, said, `"live":true`)
	// A ping, answered while the feed runs, and lines of the client's.
	if err := c.Ping(ctx); err != nil {
		t.Error(err)
	}
	for _, line := range []string{`{"ping":true}`, `{"pace":"attentive"}`} {
		if err := c.Write(ctx, websocket.MessageText, []byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	wantSaid(t, said, `"ping":true`)
	wantSaid(t, said, r.append(70<<10)) // a length of the longest form
	if err := c.Write(ctx, websocket.MessageBinary, nil); err != nil {
		t.Fatal(err)
	}
	wantSaid(t, said, `"error":`)
	wantSaid(t, said, "closed with StatusUnsupportedData")
	r.wantEnded(t, transport.Refused)
}

// TestIndependentPeerLeaves by its own closing handshake, which the hub must
// answer.
func TestIndependentPeerLeaves(t *testing.T) {
	r := newRig(t, setup{})
	c := r.independent(t.Context(), t, nil)
	if err := c.Close(websocket.StatusNormalClosure, "done"); err != nil {
		t.Errorf("Close: %v", err)
	}
	r.wantEnded(t, transport.ClientGone)
}

// TestIndependentPeerIsSentAway by a hub that drains.
func TestIndependentPeerIsSentAway(t *testing.T) {
	r := newRig(t, setup{})
	c := r.independent(t.Context(), t, nil)
	r.stop()
	for {
		_, _, err := c.Read(t.Context())
		if err == nil {
			continue
		}
		if closed, ok := errors.AsType[websocket.CloseError](err); !ok || closed.Code != websocket.StatusGoingAway || closed.Reason == "" {
			t.Errorf("got %v, want 1001 and a reason", err)
		}
		break
	}
	r.wantEnded(t, transport.Drained)
}

// independent returns a client of github.com/coder/websocket that follows the
// menu and has had the first frame.
func (r *rig) independent(ctx context.Context, t *testing.T, o *websocket.DialOptions) *websocket.Conn {
	t.Helper()
	if o == nil {
		o = new(websocket.DialOptions)
	}
	tr := &http.Transport{
		DialContext:     func(context.Context, string, string) (net.Conn, error) { return r.dial() },
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	t.Cleanup(tr.CloseIdleConnections)
	o.HTTPClient = &http.Client{Transport: tr}
	c, _, err := websocket.Dial(ctx, "wss://hub/v1/feed", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	c.SetReadLimit(1 << 20)
	if err := c.Write(ctx, websocket.MessageText, []byte(`{"topics":"menu"}`)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Read(ctx); err != nil { // from here on there is a feed
		t.Fatal(err)
	}
	return c
}

// wantSaid reads on to something with part in it.
func wantSaid(t *testing.T, said <-chan string, part string) {
	t.Helper()
	for s := range said {
		if strings.Contains(s, part) {
			return
		}
		if strings.HasPrefix(s, "closed") {
			t.Fatalf("%s, want %s", s, part)
		}
	}
}
