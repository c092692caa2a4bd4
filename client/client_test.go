package client

import (
	"errors"
	"testing"

	"everything.local/event"
)

// TestNewRefuses holds that a Config that cannot work is refused by field.
func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		Config

		field string
	}{
		{Config{}, "URL"},
		{Config{URL: "http://localhost:8080"}, "URL"},
		{Config{URL: "https://"}, "URL"},
		{Config{URL: "https://localhost/v1/feed"}, "URL"},
		{Config{URL: "https://localhost?token=x"}, "URL"},
		{Config{URL: "https://ada:secret@localhost"}, "URL"},
		{Config{URL: "https://localhost", Wire: "carrier-pigeon"}, "Wire"},
		{Config{URL: "https://localhost", Protocol: "4"}, "Protocol"},
		{Config{URL: "https://localhost", Wire: WS, Protocol: HTTP2}, "Protocol"},
		{Config{URL: "https://localhost", Wire: WT, Protocol: HTTP1}, "Protocol"},
		{Config{URL: "https://localhost", Wire: SSE, Protocol: HTTP3}, ""},
		{Config{URL: "https://[::1]:8443/", Protocol: HTTP3}, ""},
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
