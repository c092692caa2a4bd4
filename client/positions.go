package client

import (
	"maps"
	"strings"

	"everything.local/event"
)

// positions is how far a watch is in each of its topics, and which entries
// beyond it has seen, so that what comes twice can be dropped. It takes the
// frames of two connections at once, since each brings everything after the
// positions it was opened with.
type positions struct {
	topics []event.Topic
	at     map[event.Topic]event.Cursor
	// seen is the newest seq of each key that is not committed yet.
	seen map[event.Topic]map[string]uint64
}

func newPositions(ps []event.Position) *positions {
	p := &positions{at: map[event.Topic]event.Cursor{}, seen: map[event.Topic]map[string]uint64{}}
	for _, q := range ps {
		p.topics = append(p.topics, q.Topic)
		p.seen[q.Topic] = map[string]uint64{}
		if !q.Cursor.IsZero() {
			p.at[q.Topic] = q.Cursor
		}
	}
	return p
}

// String is the topics parameter that resumes here.
func (p *positions) String() string {
	parts := make([]string, len(p.topics))
	for i, t := range p.topics {
		parts[i] = string(t)
		if at, ok := p.at[t]; ok {
			parts[i] += "@" + at.String()
		}
	}
	return strings.Join(parts, ",")
}

// forget makes every topic start afresh.
func (p *positions) forget() {
	clear(p.at)
	for _, seen := range p.seen {
		clear(seen)
	}
}

// take takes a frame and reports whether it says something new.
func (p *positions) take(f event.Frame) (fresh bool) {
	cursor, err := event.ParseCursor(f.Cursor)
	marks := err == nil
	switch {
	case f.Topic == "":
		if marks {
			for _, t := range p.topics {
				p.commit(t, cursor)
			}
		}
		return true
	case p.seen[f.Topic] == nil:
		return true // of a topic not asked for
	case f.Reset:
		delete(p.at, f.Topic)
		clear(p.seen[f.Topic])
		return true
	}
	fresh = f.Seq > p.at[f.Topic].Seq && f.Seq > p.seen[f.Topic][f.Key]
	if fresh {
		p.seen[f.Topic][f.Key] = f.Seq
	}
	if marks {
		p.commit(f.Topic, cursor)
	}
	return fresh
}

func (p *positions) commit(t event.Topic, to event.Cursor) {
	if at, ok := p.at[t]; ok && at.Epoch == to.Epoch && at.Seq >= to.Seq {
		return
	}
	p.at[t] = to
	maps.DeleteFunc(p.seen[t], func(_ string, seq uint64) bool { return seq <= to.Seq })
}
