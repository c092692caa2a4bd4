package client_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"everything.local/client"
	"everything.local/event"
	"everything.local/proto"
)

// TestPlaceIsRefused holds that a refusal says what is wrong, where.
func TestPlaceIsRefused(t *testing.T) {
	t.Parallel()
	c := theHub.client(t, client.Config{Token: theHub.token(t, "customer", "ada")})
	_, err := c.Place(t.Context(), &proto.PlaceOrderRequest{Items: []*proto.LineRequest{{Item: "latte"}, {Item: "nectar"}}})
	refused, ok := errors.AsType[*client.Error](err)
	if !ok || refused.Status != 422 || refused.Code != event.UnknownItem || refused.Field != "items[1].item" || refused.Temporary() {
		t.Errorf("%#v", err)
	}
}

// TestOrderAndCancel holds the rest of an order's commands.
func TestOrderAndCancel(t *testing.T) {
	t.Parallel()
	c := theHub.client(t, client.Config{Protocol: client.HTTP2, Token: theHub.token(t, "customer", "charles")})
	id := latte(t, c, "").GetOrder().GetId()
	if a, err := c.Order(t.Context(), id); err != nil || a.GetOrder().GetStatus() != "placed" || len(a.Raw) == 0 {
		t.Errorf("%v, %v", a, err)
	}
	if a, err := c.Cancel(t.Context(), id); err != nil || a.GetOrder().GetStatus() != "cancelled" {
		t.Errorf("%v, %v", a, err)
	}
	if _, err := c.Order(t.Context(), "nonsense"); event.CodeOf(err) != event.NotFound {
		t.Errorf("%v", err)
	}
}

// TestPlaceOnce cuts the line between an order and its answer: it is sent again
// and still placed once.
func TestPlaceOnce(t *testing.T) {
	t.Parallel()
	line := newLine(t, theHub.listen())
	c := theHub.client(t, client.Config{Hubs: []string{"https://localhost:" + line.port()}, Token: theHub.token(t, "customer", "grace")})
	if _, err := c.Menu(t.Context()); err != nil { // the connection is there
		t.Fatal(err)
	}
	staff := theHub.client(t, client.Config{Wire: client.NDJSON, Token: theHub.token(t, "barista", "bob")})
	kitchen, err := staff.Follow(t.Context(), client.Request{Topics: []string{"kitchen"}})
	if err != nil {
		t.Fatal(err)
	}
	defer kitchen.Close()
	until(t, kitchen, isLive)

	line.hold()
	first := make(chan client.OrderAnswer, 1)
	go func() { first <- latte(t, c, "just one") }()
	shown := until(t, kitchen, func(f client.Frame) bool { return f.Key != "" && isNoted(f) })
	line.cut()
	if a := <-first; a.GetOrder().GetId() != shown.Key {
		t.Errorf("answered with %s, placed as %s", a.GetOrder().GetId(), shown.Key)
	}
	second := latte(t, c, "another")
	f := until(t, kitchen, func(f client.Frame) bool { return f.Key == second.GetOrder().GetId() || isNoted(f) })
	if f.Key != second.GetOrder().GetId() {
		t.Errorf("placed again: %s", f.Raw)
	}
}

// isNoted finds the order of TestPlaceOnce among those of other tests.
func isNoted(f client.Frame) bool {
	return bytes.Contains(f.Value, []byte("just one"))
}

// line is a TCP line to a hub that can be held in the hub's direction, and cut.
type line struct {
	listener net.Listener
	mu       sync.Mutex
	open     *sync.Cond
	held     bool
	conns    []net.Conn
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	l := &line{}
	l.open = sync.NewCond(&l.mu)
	var err error
	if l.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			near, err := l.listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				near.Close()
				return
			}
			l.mu.Lock()
			l.conns = append(l.conns, near, far)
			l.mu.Unlock()
			running.Go(func() { _, _ = io.Copy(far, near) })
			running.Go(func() { _, _ = io.Copy(waiter{l, near}, far) })
		}
	})
	t.Cleanup(func() {
		l.listener.Close()
		l.cut()
		running.Wait()
	})
	return l
}

func (l *line) port() string {
	_, port, _ := net.SplitHostPort(l.listener.Addr().String())
	return port
}

func (l *line) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = true
}

// cut ends the connections that there are, and lets go.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.Close()
	}
	l.conns, l.held = nil, false
	l.open.Broadcast()
}

// waiter writes when its line is not held.
type waiter struct {
	line *line
	to   io.Writer
}

func (w waiter) Write(b []byte) (int, error) {
	w.line.mu.Lock()
	for w.line.held {
		w.line.open.Wait()
	}
	w.line.mu.Unlock()
	return w.to.Write(b)
}
