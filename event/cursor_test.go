package event_test

import (
	"errors"
	"strings"
	"testing"

	"everything.local/event"

	"github.com/google/go-cmp/cmp"
)

func TestCursor(t *testing.T) {
	for s, want := range map[string]event.Cursor{
		"k3f9.1042":                         {Epoch: "k3f9", Seq: 1042},
		"a.0":                               {Epoch: "a", Seq: 0},
		"a.18446744073709551615":            {Epoch: "a", Seq: 1<<64 - 1},
		strings.Repeat("a", 20) + ".999999": {Epoch: strings.Repeat("a", 20), Seq: 999999},
	} {
		got, err := event.ParseCursor(s)
		if err != nil || got != want {
			t.Errorf("%q is %+v, %v", s, got, err)
		}
		if got.String() != s || string(got.Append([]byte("at "))) != "at "+s || got.IsZero() {
			t.Errorf("%q came back as %q", s, got)
		}
	}
	if !(event.Cursor{}).IsZero() {
		t.Error("no cursor is not zero")
	}
	for _, s := range []string{
		"", ".", "k3f9", "k3f9.", ".1", "k3f9.01", "k3f9.+1", "k3f9.-1", "k3f9.1.2", "k3f9.1 ", " k3f9.1", "K3f9.1", "k3-9.1",
		"k3f9.0x1", "k3f9.1_0", "a.18446744073709551616", "k3f9.١", strings.Repeat("a", 63) + ".1", "k3f9.1\n",
	} {
		if got, err := event.ParseCursor(s); event.CodeOf(err) != event.BadCursor {
			t.Errorf("%q parsed to %+v, %v", s, got, err)
		}
	}
}

func FuzzCursor(f *testing.F) {
	for _, s := range []string{"k3f9.1042", "a.0", "", "k3f9.01", "a.18446744073709551616"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := event.ParseCursor(s)
		if err != nil {
			if event.CodeOf(err) != event.BadCursor || c != (event.Cursor{}) {
				t.Errorf("%q: %+v, %v", s, c, err)
			}
			return
		}
		if c.String() != s {
			t.Errorf("%q has another spelling %q", s, c)
		}
	})
}

func TestPositions(t *testing.T) {
	c7, c9 := event.Cursor{Epoch: "k3f9", Seq: 7}, event.Cursor{Epoch: "k3f9", Seq: 9}
	for _, tc := range []struct {
		topics, after string
		want          []event.Position
		code          event.Code
	}{
		{topics: "menu", want: []event.Position{{Topic: event.Menu}}},
		{topics: "menu,board", after: "k3f9.9", want: []event.Position{{event.Menu, c9}, {event.Board, c9}}},
		{topics: "board@k3f9.7,menu,orders/ada", after: "k3f9.9", want: []event.Position{
			{event.Board, c7}, {event.Menu, c9}, {event.OrdersOf("ada"), c9},
		}},
		{topics: "board@k3f9.7,kitchen", want: []event.Position{{event.Board, c7}, {Topic: event.Kitchen}}},
		{topics: "", code: event.Invalid},
		{topics: "menu,", code: event.Invalid},
		{topics: ",menu", code: event.Invalid},
		{topics: "menu,menu", code: event.Invalid},
		{topics: "menu,menu@k3f9.7", code: event.Invalid},
		{topics: "menu@", code: event.BadCursor},
		{topics: "menu@k3f9", code: event.BadCursor},
		{topics: "menu@k3f9.1@k3f9.2", code: event.BadCursor},
		{topics: "menu", after: "x", code: event.BadCursor},
		{topics: "@k3f9.7", code: event.UnknownTopic},
		{topics: "weather", code: event.UnknownTopic},
		{topics: "timers", code: event.UnknownTopic},
		{topics: "orders/", code: event.UnknownTopic},
		{topics: "orders/../ada", code: event.UnknownTopic},
		{topics: "Menu", code: event.UnknownTopic},
		{topics: strings.Repeat("menu,", 10_000), code: event.TooManyTopics},
		{topics: strings.Repeat(",", event.MaxTopics), code: event.TooManyTopics},
	} {
		got, err := event.ParsePositions(tc.topics, tc.after)
		if event.CodeOf(err) != tc.code {
			t.Errorf("%.60q after %q: %v, want %q", tc.topics, tc.after, err, tc.code)
		}
		if d := cmp.Diff(tc.want, got); err == nil && d != "" {
			t.Errorf("%.60q after %q:\n%s", tc.topics, tc.after, d)
		}
	}
	var most []string
	for i := range event.MaxTopics {
		most = append(most, string(event.OrdersOf("a"+strings.Repeat("b", i))))
	}
	if ps, err := event.ParsePositions(strings.Join(most, ","), ""); err != nil || len(ps) != event.MaxTopics {
		t.Errorf("the most topics: %d, %v", len(ps), err)
	}
}

func FuzzPositions(f *testing.F) {
	f.Add("menu,board@k3f9.7", "k3f9.9")
	f.Add("orders/ada", "")
	f.Add(",@", ".")
	f.Fuzz(func(t *testing.T, topics, after string) {
		ps, err := event.ParsePositions(topics, after)
		if err != nil {
			if e, ok := errors.AsType[*event.Error](err); !ok || e.Detail == "" || len(e.Detail) > 400 {
				t.Errorf("%q after %q: %v", topics, after, err)
			}
			return
		}
		if len(ps) == 0 || len(ps) > event.MaxTopics {
			t.Errorf("%d positions", len(ps))
		}
		// Each said by itself means the same.
		var parts []string
		for _, p := range ps {
			part := string(p.Topic)
			if !p.Cursor.IsZero() {
				part += "@" + p.Cursor.String()
			}
			parts = append(parts, part)
		}
		again, err := event.ParsePositions(strings.Join(parts, ","), "")
		if d := cmp.Diff(ps, again); err != nil || d != "" {
			t.Errorf("%q after %q: %v\n%s", topics, after, err, d)
		}
	})
}
