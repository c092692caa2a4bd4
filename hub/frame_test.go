package hub

import (
	"encoding/json"
	"testing"
	"time"

	"everything.local/event"
)

// TestFramesAreWhatTheVocabularySays holds the frames written by hand to the
// bytes of event.Frame.
func TestFramesAreWhatTheVocabularySays(t *testing.T) {
	now := time.Date(2026, 11, 2, 8, 30, 0, 5e6, time.FixedZone("CET", 3600))
	clock := event.FormatTime(now)
	odd := "a\"b\\c<d>\u2028é\x01"
	for _, c := range []struct {
		got  []byte
		want event.Frame
	}{
		{appendReset(nil, "orders/x"), event.Frame{Topic: "orders/x", Reset: true}},
		{
			appendItem(nil, "a", &item{key: "k", seq: 7, value: []byte(`{"n":1}`)}, ""),
			event.Frame{Topic: "a", Key: "k", Seq: 7, Value: json.RawMessage(`{"n":1}`)},
		},
		{
			appendItem(nil, "a", &item{key: odd, seq: 7}, "e1.7"),
			event.Frame{Topic: "a", Key: odd, Seq: 7, Cursor: "e1.7"},
		},
		{appendCursor(nil, "e1.7"), event.Frame{Cursor: "e1.7"}},
		{appendClock(nil, "live", "e1.7", now), event.Frame{Cursor: "e1.7", Live: true, Now: clock}},
		{appendClock(nil, "ping", "e1.7", now), event.Frame{Cursor: "e1.7", Ping: true, Now: clock}},
		{appendClock(nil, "ping", "", now), event.Frame{Ping: true, Now: clock}},
		{
			appendStale(nil, staleness{now, event.NoQuorum}),
			event.Frame{Stale: &event.Stale{Since: clock, Why: event.NoQuorum}},
		},
	} {
		var got event.Frame
		if err := json.Unmarshal(c.got, &got); err != nil {
			t.Fatalf("%s: %v", c.got, err)
		}
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(c.want)
		if string(a) != string(b) {
			t.Errorf("frame %s reads as %s, want %s", c.got, a, b)
		}
	}
}

func TestOtherFrames(t *testing.T) {
	r := newRig(t)
	s := r.sub("a")
	drain(s)
	b := s.Frame(event.Frame{Goaway: &event.Goaway{WithinMS: 4000, To: []string{}}})
	wantSent(t, string(b), `{"goaway":{"within_ms":4000,"to":[]}}`)
	b = s.Frame(event.Frame{Error: &event.Fault{Code: event.TokenExpired, Detail: "sign in again"}})
	wantSent(t, string(b), `{"error":{"code":"token_expired","detail":"sign in again"}}`)
}
