package client

import (
	"errors"
	"testing"

	"everything.local/event"
)

// TestNewRefuses holds that a Config that cannot work is refused by field.
func TestNewRefuses(t *testing.T) {
	one := []string{"https://localhost"}
	for _, c := range []struct {
		Config

		field string
	}{
		{Config{}, "Hubs"},
		{Config{Hubs: []string{"http://localhost:8080"}}, "Hubs[0]"},
		{Config{Hubs: []string{"https://"}}, "Hubs[0]"},
		{Config{Hubs: []string{"https://localhost", "https://localhost/v1/feed"}}, "Hubs[1]"},
		{Config{Hubs: []string{"https://localhost?token=x"}}, "Hubs[0]"},
		{Config{Hubs: []string{"https://ada:secret@localhost"}}, "Hubs[0]"},
		{Config{Hubs: one, Wire: "carrier-pigeon"}, "Wire"},
		{Config{Hubs: one, Protocol: "4"}, "Protocol"},
		{Config{Hubs: one, Wire: WS, Protocol: HTTP2}, "Protocol"},
		{Config{Hubs: one, Wire: WT, Protocol: HTTP1}, "Protocol"},
		{Config{Hubs: one, Wire: SSE, Protocol: HTTP3}, ""},
		{Config{Hubs: []string{"https://[::1]:8443/"}, Protocol: HTTP3}, ""},
	} {
		cl, err := New(c.Config)
		e, refused := errors.AsType[*event.Error](err)
		if refused != (c.field != "") || refused && (e.Field != c.field || e.Code != event.Invalid) {
			t.Errorf("%+v: %v", c.Config, err)
		}
		if cl != nil {
			if err := cl.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
