package transport

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"everything.local/event"
)

func feedRequest(query, last string) *http.Request {
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/v1/feed", RawQuery: query}, Header: http.Header{}}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	return r
}

func TestParseRequest(t *testing.T) {
	at := func(seq uint64) event.Cursor { return event.Cursor{Epoch: "k3f9", Seq: seq} }
	for _, tt := range []struct {
		name, query, last string
		want              Request
	}{
		{"one topic", "topics=menu", "", Request{[]event.Position{{Topic: event.Menu}}, Idle}},
		{"pace", "topics=menu&pace=attentive", "", Request{[]event.Position{{Topic: event.Menu}}, Attentive}},
		{"positions beat after", "topics=board@k3f9.7,menu&after=k3f9.5", "", Request{[]event.Position{{Topic: event.Board, Cursor: at(7)}, {Topic: event.Menu, Cursor: at(5)}}, Idle}},
		{"last event id beats both", "topics=board%40k3f9.7,menu&after=k3f9.5", "k3f9.9", Request{[]event.Position{{Topic: event.Board, Cursor: at(9)}, {Topic: event.Menu, Cursor: at(9)}}, Idle}},
	} {
		got, err := parseRequest(feedRequest(tt.query, tt.last))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestParseRequestRefuses(t *testing.T) {
	for _, tt := range []struct {
		query, last string
		code        event.Code
		field       string
	}{
		{"", "", event.Invalid, "topics"},
		{"topics=nonsense", "", event.UnknownTopic, "topics"},
		{"topics=timers", "", event.UnknownTopic, "topics"},
		{"topics=menu,menu", "", event.Invalid, "topics"},
		{"topics=" + strings.Repeat("menu,", 10000), "", event.TooManyTopics, "topics"},
		{"topics=menu@", "", event.BadCursor, "topics"},
		{"topics=menu@12", "", event.BadCursor, "topics"},
		{"topics=menu&after=12", "", event.BadCursor, "after"},
		{"topics=menu", "12", event.BadCursor, "Last-Event-ID"},
		{"topics=menu&pace=slow", "", event.Invalid, "pace"},
		{"topics=menu&topics=board", "", event.Invalid, "topics"},
		{"topics=menu&topic=board", "", event.UnknownField, "query"},
		{"topics=menu&" + strings.Repeat("é", 500), "", event.UnknownField, "query"},
		{"topics=menu&access_token=eyJh.bGci", "", event.Invalid, "query"},
		{"aa=1&topics=menu&ticket=eyJh.bGci", "", event.Invalid, "query"},
		{"topics=menu;after=1", "", event.Malformed, ""},
		{"topics=%zz", "", event.Malformed, ""},
	} {
		_, err := parseRequest(feedRequest(tt.query, tt.last))
		e, ok := errors.AsType[*event.Error](err)
		if !ok || e.Code != tt.code || e.Field != tt.field {
			t.Errorf("%.60q, %q: got %v, want %s at %q", tt.query, tt.last, err, tt.code, tt.field)
		} else if strings.Contains(e.Detail, "eyJh") {
			t.Errorf("%.60q: the error repeats the secret: %s", tt.query, e.Detail)
		}
	}
}

// FuzzParseRequest: whatever the query and Last-Event-ID, there is a request
// that keeps the bounds or an error that can be told.
func FuzzParseRequest(f *testing.F) {
	f.Add("topics=board@k3f9.7,menu&after=k3f9.5&pace=idle", "k3f9.9")
	f.Add("topics=menu&access_token=x", "")
	f.Add("topics=orders%2Fabc&topics=&;%zz", ".")
	f.Fuzz(func(t *testing.T, query, last string) {
		req, err := parseRequest(feedRequest(query, last))
		if err != nil {
			if code := event.CodeOf(err); code == event.Internal {
				t.Fatalf("%q: uncoded error %v", query, err)
			}
			return
		}
		if n := len(req.Positions); n < 1 || n > event.MaxTopics {
			t.Errorf("%q: %d positions", query, n)
		}
		if req.Pace != Attentive && req.Pace != Idle {
			t.Errorf("%q: pace %q", query, req.Pace)
		}
	})
}
