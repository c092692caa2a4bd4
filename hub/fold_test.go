package hub

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"everything.local/event"
)

var errTooNew = errors.New("an event of tomorrow")

// testFold is a fold whose events say which entries change: "put" with a list
// of changes, "open" with an epoch, and two that it cannot read.
type testFold struct {
	EpochID string
	Values  map[string]string
}

// set is one change of a "put" event; an empty Value deletes the key.
type set struct{ Topic, Key, Value string }

func newTestFold() *testFold { return &testFold{Values: map[string]string{}} }

func (f *testFold) Epoch() string { return f.EpochID }

func (f *testFold) Apply(e event.Event) ([]event.Entry, error) {
	switch e.Type {
	case "open":
		f.EpochID = strings.Trim(string(e.Data), `"`)
		return nil, nil
	case "new":
		return nil, errTooNew
	case "bad":
		return nil, errors.New("nonsense")
	case "noop":
		return nil, nil
	}
	var sets []set
	if err := json.Unmarshal(e.Data, &sets); err != nil {
		return nil, err
	}
	var entries []event.Entry
	for _, s := range sets {
		entry := event.Entry{Topic: event.Topic(s.Topic), Key: s.Key}
		if s.Value == "" {
			delete(f.Values, s.Topic+"\n"+s.Key)
		} else {
			entry.Value, _ = json.Marshal(s.Value)
			f.Values[s.Topic+"\n"+s.Key] = s.Value
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

func (f *testFold) Snapshot() ([]byte, error) { return json.Marshal(f) }

func (f *testFold) Restore(b []byte) error {
	n := newTestFold()
	if err := json.Unmarshal(b, n); err != nil {
		return err
	}
	*f = *n
	return nil
}

// line is a wire for tests: a line per frame, the id behind a tab when the
// frame has one.
type line struct{ ids bool }

func (l line) Name() string { return fmt.Sprintf("line-%t", l.ids) }

func (l line) AppendFrame(dst, frame []byte, id string) []byte {
	dst = append(dst, frame...)
	if l.ids && id != "" {
		dst = append(append(dst, '\t'), id...)
	}
	return append(dst, '\n')
}

// got is a frame as a test reads it.
type got struct {
	event.Frame
	ID string
}

func parse(t *testing.T, b []byte) []got {
	t.Helper()
	var frames []got
	for l := range bytes.Lines(b) {
		text, id, _ := strings.Cut(strings.TrimSuffix(string(l), "\n"), "\t")
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		f := got{ID: id}
		if err := d.Decode(&f.Frame); err != nil {
			t.Fatalf("frame %q: %v", text, err)
		}
		frames = append(frames, f)
	}
	return frames
}

// rig is a hub whose events a test applies one by one, without a log.
type rig struct {
	*Hub
	t    testing.TB
	fold *testFold
	seq  uint64
	// history is every state of every key of every topic.
	history map[string]map[string][]held
}

// newRig returns a hub that is ready at epoch "e1", at seq 1.
func newRig(t testing.TB) *rig {
	fold := newTestFold()
	r := &rig{Hub: New(Config{Fold: fold}), t: t, fold: fold, history: map[string]map[string][]held{}}
	r.arrive(0)
	r.apply("open", "e1")
	return r
}

// apply applies one event and returns its sequence.
func (r *rig) apply(typ string, data any) uint64 {
	r.t.Helper()
	r.seq++
	if err := r.advance(newEvent(r.t, r.seq, typ, data)); err != nil {
		r.t.Fatal(err)
	}
	return r.seq
}

func (r *rig) put(sets ...set) uint64 {
	r.t.Helper()
	for i, s := range sets {
		again := slices.ContainsFunc(sets[i+1:], func(o set) bool { return o.Topic == s.Topic && o.Key == s.Key })
		states := r.history[s.Topic][s.Key]
		was := len(states) > 0 && states[len(states)-1].value != ""
		if again || s.Value == "" && !was {
			continue // changes nothing
		}
		if r.history[s.Topic] == nil {
			r.history[s.Topic] = map[string][]held{}
		}
		r.history[s.Topic][s.Key] = append(states, held{r.seq + 1, s.Value})
	}
	return r.apply("put", sets)
}

// sub subscribes to topics like "a" or "a@e1.7".
func (r *rig) sub(topics string) *Subscription {
	r.t.Helper()
	return subscribe(r.t, r.Hub, topics, line{ids: true})
}

func subscribe(t testing.TB, h *Hub, topics string, e Encoding) *Subscription {
	t.Helper()
	var ps []event.Position
	for part := range strings.SplitSeq(topics, ",") {
		name, at, given := strings.Cut(part, "@")
		p := event.Position{Topic: event.Topic(name)}
		if given {
			c, err := event.ParseCursor(at)
			if err != nil {
				t.Fatal(err)
			}
			p.Cursor = c
		}
		ps = append(ps, p)
	}
	s, err := h.Subscribe(Request{Positions: ps, Encoding: e})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// drain returns all that Next has.
func drain(s *Subscription) string {
	var b strings.Builder
	for n := s.Next(); len(n) > 0; n = s.Next() {
		b.Write(n)
	}
	return b.String()
}

func newEvent(t testing.TB, seq uint64, typ string, data any) event.Event {
	t.Helper()
	b, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("a%d", seq)
	return event.Event{
		Type: typ, Version: 1, By: "hub", Data: b, Seq: seq,
		Subject: event.Subject{Kind: "test", ID: id},
		Command: event.Command{ID: event.CommandID("test", "", "", id), Digest: event.Digest(b)},
	}
}

// appendTo appends an event as newEvent makes it to a log.
func appendTo(t testing.TB, log event.Log, n int, typ string, data any) uint64 {
	t.Helper()
	e := newEvent(t, uint64(n), typ, data)
	r, err := log.Append(t.Context(), e.Command, event.Write{Subject: e.Subject, Event: e})
	if err != nil {
		t.Fatal(err)
	}
	return r.Seq
}

// state is a topic as a client holds it.
type state map[string]string

func (f *testFold) topic(name string) state {
	st := state{}
	for _, k := range slices.Sorted(maps.Keys(f.Values)) {
		if t, key, _ := strings.Cut(k, "\n"); t == name {
			st[key] = f.Values[k]
		}
	}
	return st
}
