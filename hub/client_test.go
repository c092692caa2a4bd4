package hub

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"everything.local/event"
)

// held is what a client holds of a key: a value, or "" once it is gone.
type held struct {
	seq   uint64
	value string
}

// client follows the rules of the protocol and holds the hub to them.
type client struct {
	t   *testing.T
	r   *rig
	sub *Subscription
	ids bool

	topics []string
	holds  map[string]map[string]held
	// at is each topic's position, whole that of all.
	at    map[string]event.Cursor
	whole event.Cursor
	// since is up to where each topic was held when this connection began.
	since map[string]uint64
	// newest is each topic's highest seq seen on this connection.
	newest map[string]uint64
	live   bool
	// resets and commits count them.
	resets, commits int
}

func newClient(t *testing.T, r *rig, ids bool, topics ...string) *client {
	c := &client{t: t, r: r, ids: ids, topics: topics}
	c.holds = map[string]map[string]held{}
	c.at = map[string]event.Cursor{}
	c.connect(byPositions)
	return c
}

type resumeBy int

const (
	byPositions resumeBy = iota
	byCursor
)

// connect (re)connects with what the client knows.
func (c *client) connect(by resumeBy) {
	c.t.Helper()
	if c.sub != nil {
		c.sub.Close()
	}
	c.since, c.newest, c.live = map[string]uint64{}, map[string]uint64{}, false
	var parts []string
	whole := c.whole
	for _, t := range c.topics {
		at := c.at[t]
		if by == byCursor {
			at = whole
			if c.at[t].IsZero() {
				at = event.Cursor{}
			}
		}
		c.since[t] = at.Seq
		if at.IsZero() {
			parts = append(parts, t)
		} else {
			parts = append(parts, t+"@"+at.String())
		}
	}
	c.sub = subscribe(c.t, c.r.Hub, strings.Join(parts, ","), line{ids: c.ids})
}

// read takes one chunk, of which the first limit frames arrive (all if it is
// negative), and reports whether there was one.
func (c *client) read(limit int) bool {
	c.t.Helper()
	b := c.sub.Next()
	frames := parse(c.t, b)
	if len(b) > segmentSize && len(frames) > 1 {
		c.t.Errorf("a chunk of %d bytes with %d frames", len(b), len(frames))
	}
	for i, f := range frames {
		if limit >= 0 && i >= limit {
			break
		}
		c.take(f)
	}
	return len(b) > 0
}

// drain reads until nothing is pending.
func (c *client) drain() {
	for c.read(-1) {
	}
}

func (c *client) take(f got) {
	c.t.Helper()
	single := len(c.topics) == 1
	commits := f.Cursor != "" && (f.Topic == "" || single)
	if want := map[bool]string{true: f.Cursor}[commits && c.ids]; f.ID != want {
		c.t.Errorf("frame %+v has id %q, want %q", f.Frame, f.ID, want)
	}
	switch {
	case f.Reset:
		c.resets++
		c.live = false
		t := string(f.Topic)
		c.holds[t] = map[string]held{}
		c.at[t], c.since[t], c.newest[t] = event.Cursor{}, 0, 0
		c.whole = event.Cursor{}
	case f.Key != "":
		c.takeEntry(f)
	case f.Live:
		c.live = true
		c.commitAll(f.Cursor)
		if f.Cursor != c.r.Cursor().String() {
			c.t.Errorf("live at %s, the hub is at %s", f.Cursor, c.r.Cursor())
		}
		c.wantFinal()
	case f.Ping:
		if f.Cursor != "" {
			c.commitAll(f.Cursor)
		}
	case f.Stale != nil:
	case f.Cursor != "":
		if !single || c.whole.String() != f.Cursor {
			c.commitAll(f.Cursor)
		}
	default:
		c.t.Errorf("frame %+v says nothing", f.Frame)
	}
}

func (c *client) takeEntry(f got) {
	c.t.Helper()
	t := string(f.Topic)
	if c.holds[t] == nil {
		c.t.Fatalf("an entry of %s before its reset: %+v", t, f.Frame)
	}
	if f.Seq <= c.since[t] {
		c.t.Errorf("%s/%s at %d comes again behind %d", t, f.Key, f.Seq, c.since[t])
	}
	if f.Seq < c.newest[t] {
		c.t.Errorf("%s/%s at %d behind %d", t, f.Key, f.Seq, c.newest[t])
	}
	c.newest[t] = f.Seq
	old, known := c.holds[t][f.Key]
	if known && f.Seq < old.seq {
		c.t.Errorf("%s/%s goes back from %d to %d", t, f.Key, old.seq, f.Seq)
	}
	var value string
	if f.Value != nil {
		if err := json.Unmarshal(f.Value, &value); err != nil {
			c.t.Fatal(err)
		}
	}
	c.holds[t][f.Key] = held{f.Seq, value}
	if f.Cursor != "" {
		at := c.parse(f.Cursor)
		if at.Seq != f.Seq {
			c.t.Errorf("%s/%s at %d commits %d", t, f.Key, f.Seq, at.Seq)
		}
		c.commit(t, at)
		if len(c.topics) == 1 {
			c.whole = at
		}
	}
}

func (c *client) parse(s string) event.Cursor {
	c.t.Helper()
	at, err := event.ParseCursor(s)
	if err != nil {
		c.t.Fatal(err)
	}
	return at
}

func (c *client) commitAll(s string) {
	c.t.Helper()
	at := c.parse(s)
	if at.Epoch == c.whole.Epoch && at.Seq < c.whole.Seq {
		c.t.Errorf("the cursor goes back from %s to %s", c.whole, at)
	}
	c.whole = at
	for _, t := range c.topics {
		if at.Seq >= c.at[t].Seq || at.Epoch != c.at[t].Epoch {
			c.commit(t, at)
		}
	}
}

// commit notes the position of a topic, and looks whether the client then
// holds everything up to it.
func (c *client) commit(t string, at event.Cursor) {
	c.t.Helper()
	if c.holds[t] == nil {
		c.t.Errorf("%s is committed before its reset", t)
	}
	c.at[t] = at
	c.since[t] = max(c.since[t], at.Seq)
	if c.commits++; c.commits%4 > 0 {
		return // looking at everything each time would take most of the test
	}
	for key, states := range c.r.history[t] {
		if i, ok := missing(c.holds[t][key], states, at.Seq); !ok {
			c.t.Errorf("%s is committed at %s, but %s is at %d, not %d", t, at, key, c.holds[t][key].seq, states[i].seq)
			return
		}
	}
}

// missing reports whether h is as good as the state at seq or a later one; if
// not it returns the index of the former. A key that went after a snapshot
// began may be just absent.
func missing(h held, states []held, seq uint64) (int, bool) {
	i := len(states) - 1
	for i >= 0 && states[i].seq > seq {
		i--
	}
	if i < 0 || h.seq >= states[i].seq {
		return i, true
	}
	absent := slices.ContainsFunc(states[i:], func(s held) bool { return s.value == "" })
	return i, h == held{} && absent
}

// wantFinal holds that the client has exactly what the fold has.
func (c *client) wantFinal() {
	c.t.Helper()
	for _, t := range c.topics {
		want := c.r.fold.topic(t)
		n := 0
		for key, h := range c.holds[t] {
			if h.value != "" {
				n++
			}
			if h.value != want[key] {
				c.t.Errorf("%s/%s is %.20q, want %.20q", t, key, h.value, want[key])
			}
		}
		if n != len(want) {
			c.t.Errorf("%s has %d entries, want %d", t, n, len(want))
		}
	}
}

// key names test keys so that their order is their number's.
func key(n int) string { return fmt.Sprintf("k%04d", n) }
