package client

import (
	"context"
	"errors"
	"net/http"
	"testing"
)

// carriage is a feed's connection, by its name.
type carriage string

func (c carriage) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New(string(c))
}

// TestRides holds that commands go along with the newest feed that there is,
// have its path looked at, and go on their own where there is none.
func TestRides(t *testing.T) {
	c, _ := scripted(t, Config{Hubs: []string{"https://pi-1:8443", "https://pi-2:8443"}})
	stirred := 0
	for _, name := range []carriage{"first", "second"} {
		c.mount(ride{"https://" + string(name), name, func() { stirred++ }})
	}
	expect := func(base, want string) {
		t.Helper()
		got, over, _ := c.route(base)
		if ridden, ok := over.(carriage); got != want || ok != (base == "" && want != "https://pi-1:8443") || ok && "https://"+string(ridden) != got {
			t.Errorf("to %s over %v, want %s", got, over, want)
		}
	}
	expect("", "https://second")
	expect("https://pi-2:8443", "https://pi-2:8443")
	c.dismount(carriage("first"))
	expect("", "https://second")
	c.mount(ride{"https://third", carriage("third"), func() { stirred++ }})
	c.dismount(carriage("third"))
	expect("", "https://second")
	c.dismount(carriage("second"))
	expect("", "https://pi-1:8443")
	if stirred != 3 {
		t.Errorf("paths were looked at %d times", stirred)
	}
}

// TestCancelledCommand holds that a caller who gives up says nothing of the hub,
// and that a hub which does not answer is left for the next, and a feed's
// connection for one of the commands' own.
func TestCancelledCommand(t *testing.T) {
	c, _ := scripted(t, Config{Hubs: []string{"https://pi-1:8443", "https://pi-2:8443"}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.mount(ride{"https://pi-1:8443", carriage("broken"), func() {}})
	q := request{method: http.MethodGet, path: "/v1/hub"}
	if err := c.call(ctx, q); err == nil || c.at() != "https://pi-1:8443" || len(c.rides) != 1 {
		t.Errorf("%v, and the hub is %s", err, c.at())
	}
	if err := c.call(t.Context(), q); err == nil || c.at() != "https://pi-2:8443" || len(c.rides) != 0 {
		t.Errorf("%v, and the hub is %s", err, c.at())
	}
}
