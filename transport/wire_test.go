package transport

import (
	"testing"

	"everything.local/event"
)

// named is a Wire that is only a media type; its methods are a Wire's.
type named string

func (n named) Name() string                                   { return string(n) }
func (n named) MediaType() string                              { return string(n) }
func (n named) AppendFrame(dst, frame []byte, _ string) []byte { return append(dst, frame...) }

func TestNegotiate(t *testing.T) {
	const lines, events = "application/x-ndjson", "text/event-stream"
	wires := []Wire{named(lines), named(events)}
	for _, tt := range []struct {
		accept []string
		want   string // empty for NotAcceptable
	}{
		{nil, lines},
		{[]string{""}, lines},
		{[]string{"*/*"}, lines},
		{[]string{"text/event-stream"}, events},
		{[]string{"Text/Event-Stream"}, events},
		{[]string{"text/*"}, events},
		{[]string{"application/*"}, lines},
		{[]string{"text/event-stream, application/x-ndjson"}, lines},
		{[]string{"text/event-stream;q=0.9, application/x-ndjson;q=0.8"}, events},
		{[]string{"text/event-stream;q=0.9", "*/*;q=0.8"}, events},
		{[]string{"application/x-ndjson;q=0, */*"}, events},
		{[]string{"*/*, application/x-ndjson; q=0.1"}, events},
		{[]string{"text/html,application/xhtml+xml,*/*;q=0.8"}, lines},
		{[]string{"text/event-stream;q=bad, */*;q=0.1"}, lines},
		{[]string{"text/html"}, ""},
		{[]string{"application/json"}, ""},
		{[]string{"*/*;q=0"}, ""},
		{[]string{"*/*;q=NaN"}, ""},
		{[]string{"*/*;q=2"}, ""},
		{[]string{"/;;"}, ""},
	} {
		w, err := negotiate(wires, tt.accept)
		switch {
		case tt.want == "" && event.CodeOf(err) != event.NotAcceptable:
			t.Errorf("Accept %q: got %v, %v, want not_acceptable", tt.accept, w, err)
		case tt.want != "" && (err != nil || w.MediaType() != tt.want):
			t.Errorf("Accept %q: got %v, %v, want %s", tt.accept, w, err, tt.want)
		}
	}
}
