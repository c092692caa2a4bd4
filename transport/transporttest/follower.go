package transporttest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"everything.local/event"
)

// held is one entry that a follower holds.
type held struct {
	Seq   uint64
	Value string
}

// follower is a client as docs/protocol.md describes it, across connections. It
// refuses what the protocol does not allow, so that every scenario holds all of
// its rules.
type follower struct {
	Topics []event.Topic
	// State is what it holds, by topic and key.
	State map[event.Topic]map[string]held
	// At is how far each topic is committed; Whole, the whole subscription.
	At    map[event.Topic]event.Cursor
	Whole event.Cursor
	Live  bool
	// Log is every entry it was sent, as "topic/key@seq".
	Log []string

	reset  map[event.Topic]bool   // had its reset on this connection
	last   map[event.Topic]uint64 // newest entry seen on this connection
	resume map[event.Topic]event.Cursor
}

func newFollower(topics ...event.Topic) *follower {
	f := &follower{
		Topics: topics,
		State:  make(map[event.Topic]map[string]held),
		At:     make(map[event.Topic]event.Cursor),
	}
	f.connect(nil)
	return f
}

// clone returns a follower that goes its own way from here.
func (f *follower) clone() *follower {
	c := *f
	c.State = make(map[event.Topic]map[string]held)
	for t, entries := range f.State {
		c.State[t] = maps.Clone(entries)
	}
	c.At, c.reset, c.last, c.resume = maps.Clone(f.At), maps.Clone(f.reset), maps.Clone(f.last), maps.Clone(f.resume)
	c.Log = slices.Clone(f.Log)
	return &c
}

// connect begins a connection on which the hub was told these positions.
func (f *follower) connect(from map[event.Topic]event.Cursor) {
	f.Live = false
	f.resume = from
	f.reset = make(map[event.Topic]bool)
	f.last = make(map[event.Topic]uint64)
}

// byTopic is the ask that resumes each topic where it is.
func (f *follower) byTopic() (ask Ask, from map[event.Topic]event.Cursor) {
	parts := make([]string, len(f.Topics))
	from = make(map[event.Topic]event.Cursor)
	for i, t := range f.Topics {
		parts[i] = string(t)
		if at := f.At[t]; !at.IsZero() {
			parts[i] += "@" + at.String()
			from[t] = at
		}
	}
	return Ask{Topics: strings.Join(parts, ",")}, from
}

// byCursor is the ask that resumes all topics from the one cursor that commits
// them all.
func (f *follower) byCursor() (ask Ask, from map[event.Topic]event.Cursor) {
	parts := make([]string, len(f.Topics))
	from = make(map[event.Topic]event.Cursor)
	for i, t := range f.Topics {
		parts[i] = string(t)
		if !f.Whole.IsZero() {
			from[t] = f.Whole
		}
	}
	f.At = maps.Clone(from) // what was committed beyond it may come again
	ask.Topics = strings.Join(parts, ",")
	if !f.Whole.IsZero() {
		ask.After = f.Whole.String()
	}
	return ask, from
}

// take takes the next frame, or says which rule it breaks.
func (f *follower) take(fr Frame) error {
	var cursor event.Cursor
	if fr.Cursor != "" {
		var err error
		if cursor, err = event.ParseCursor(fr.Cursor); err != nil {
			return fmt.Errorf("frame %s: %w", fr.Raw, err)
		}
	}
	if fr.Topic != "" && !slices.Contains(f.Topics, fr.Topic) {
		return fmt.Errorf("frame %s is of a topic not asked for", fr.Raw)
	}
	switch {
	case fr.Reset:
		return f.takeReset(fr)
	case fr.Topic != "":
		return f.takeEntry(fr, cursor)
	case fr.Live, fr.Ping:
		if _, err := event.ParseTime(fr.Now); err != nil {
			return fmt.Errorf("frame %s: %w", fr.Raw, err)
		}
		if fr.Live {
			f.Live = true
		}
		if fr.Ping && cursor.IsZero() {
			return nil // nothing is committed yet
		}
		return f.commitAll(fr, cursor)
	case fr.Cursor != "":
		return f.commitAll(fr, cursor)
	}
	return nil
}

func (f *follower) takeReset(fr Frame) error {
	if f.reset[fr.Topic] && f.last[fr.Topic] == 0 {
		return fmt.Errorf("frame %s: reset twice", fr.Raw)
	}
	f.reset[fr.Topic] = true
	f.last[fr.Topic] = 0
	f.State[fr.Topic] = make(map[string]held)
	delete(f.At, fr.Topic)
	f.Whole = event.Cursor{}
	return nil
}

func (f *follower) takeEntry(fr Frame, cursor event.Cursor) error {
	t := fr.Topic
	from, resumed := f.resume[t]
	switch {
	case !f.reset[t] && !resumed:
		return fmt.Errorf("frame %s: no reset for a topic that had no position", fr.Raw)
	case !f.reset[t] && fr.Seq <= from.Seq:
		return fmt.Errorf("frame %s: not after the position %s", fr.Raw, from)
	case fr.Seq < f.last[t] || fr.Seq == 0 || fr.Key == "":
		return fmt.Errorf("frame %s: after an entry of %d", fr.Raw, f.last[t])
	case !cursor.IsZero() && cursor.Seq != fr.Seq:
		return fmt.Errorf("frame %s: its cursor is of another event", fr.Raw)
	case f.At[t].Seq >= fr.Seq:
		return fmt.Errorf("frame %s: its topic was committed up to %s", fr.Raw, f.At[t])
	}
	f.last[t] = fr.Seq
	f.Log = append(f.Log, fmt.Sprintf("%s/%s@%d", t, fr.Key, fr.Seq))
	if fr.Value == nil {
		delete(f.State[t], fr.Key)
	} else {
		f.State[t][fr.Key] = held{fr.Seq, string(fr.Value)}
	}
	if cursor.IsZero() {
		return nil
	}
	f.At[t] = cursor
	if len(f.Topics) == 1 {
		return f.commitAll(fr, cursor)
	}
	if fr.ID != "" {
		return fmt.Errorf("frame %s: an id where only one topic is committed", fr.Raw)
	}
	return nil
}

func (f *follower) commitAll(fr Frame, cursor event.Cursor) error {
	if cursor.Epoch == f.Whole.Epoch && cursor.Seq < f.Whole.Seq {
		return fmt.Errorf("frame %s: the cursor went back from %s", fr.Raw, f.Whole)
	}
	if fr.IDs && fr.ID == "" {
		return fmt.Errorf("frame %s: no id where the whole is committed", fr.Raw)
	}
	f.Whole = cursor
	for _, t := range f.Topics {
		// A topic may be committed beyond the whole: by an entry's cursor, while
		// the batch goes on with the other topics.
		if at := f.At[t]; at.Epoch != cursor.Epoch || at.Seq < cursor.Seq {
			f.At[t] = cursor
		}
	}
	return nil
}

// diffHeld compares what the hub holds of a topic with what a client does.
func diffHeld(want, got map[string]held) string {
	if len(want) == 0 && len(got) == 0 {
		return ""
	}
	return cmp.Diff(want, got)
}
