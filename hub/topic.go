package hub

import (
	"cmp"
	"encoding/json"
	"slices"

	"everything.local/event"
)

// MaxTombstones is how many tombstones a topic keeps, the newest. It is part
// of the fold: another number gives other floors, and hubs of one site must
// agree. A thousand orders gone by is a morning's absence of a board.
const MaxTombstones = 1024

// topic is the map of newest values, and who follows it.
type topic struct {
	name  event.Topic
	items map[string]*item
	// present are the items with a value, gone the tombstones.
	present, gone sequence
	// floor is the highest seq of any tombstone dropped: whoever is at a lower
	// position cannot know what it missed.
	floor uint64

	// streams are the topic's frames per wire.
	streams map[format]*stream
	// followers are woken after a change.
	followers []*follower
}

// follower is somebody to wake; it sits in its topic's list at index at.
type follower struct {
	waker Waker
	at    int
}

func (t *topic) follow(f *follower) {
	f.at = len(t.followers)
	t.followers = append(t.followers, f)
}

func (t *topic) unfollow(f *follower) {
	last := len(t.followers) - 1
	moved := t.followers[last]
	t.followers[f.at], moved.at = moved, f.at
	t.followers[last] = nil
	t.followers = t.followers[:last]
}

// blank reports whether nothing is lost with the topic.
func (t *topic) blank() bool {
	return len(t.items) == 0 && t.floor == 0 && len(t.followers) == 0
}

// newest is the seq of the topic's last change.
func (t *topic) newest() uint64 { return max(t.present.newest(), t.gone.newest()) }

// change is what one event did to one topic: the items it changed, by key.
type change struct {
	topic *topic
	items []*item
}

// apply puts the entries of one event into their topics and returns what
// changed, in the order of topics and keys whatever order the entries have.
// Of several entries of a key the last counts. The removal of a key that is
// not there changes nothing.
func (h *Hub) apply(seq uint64, entries []event.Entry) []change {
	slices.SortStableFunc(entries, func(a, b event.Entry) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Key, b.Key))
	})
	changes := h.scratch.changes[:0]
	for i, e := range entries {
		if i+1 < len(entries) && entries[i+1].Topic == e.Topic && entries[i+1].Key == e.Key {
			continue
		}
		if e.Gone() && h.present(e.Topic, e.Key) == nil {
			continue
		}
		t := h.topic(e.Topic)
		it := t.put(e.Key, seq, e.Value)
		if n := len(changes); n == 0 || changes[n-1].topic != t {
			changes = append(changes, change{topic: t})
		}
		last := &changes[len(changes)-1]
		last.items = append(last.items, it)
	}
	for _, c := range changes {
		c.topic.trim()
	}
	h.scratch.changes = changes
	return changes
}

// present returns the key's item if it has a value.
func (h *Hub) present(name event.Topic, key string) *item {
	if t := h.topics[name]; t != nil {
		if it := t.items[key]; it != nil && it.value != nil {
			return it
		}
	}
	return nil
}

// put makes value, nil for a tombstone, the newest of key.
func (t *topic) put(key string, seq uint64, value json.RawMessage) *item {
	it := t.items[key]
	if it != nil {
		t.sequence(it).remove(it)
	} else {
		if t.items == nil {
			t.items = make(map[string]*item)
		}
		it = &item{key: key}
		t.items[key] = it
	}
	it.seq, it.value = seq, value
	t.sequence(it).push(it)
	return it
}

func (t *topic) sequence(it *item) *sequence {
	if it.value == nil {
		return &t.gone
	}
	return &t.present
}

// trim drops the oldest tombstones above the limit and raises the floor.
func (t *topic) trim() {
	for t.gone.count > MaxTombstones {
		_, it := t.gone.first()
		t.gone.remove(it)
		delete(t.items, it.key)
		t.floor = it.seq
	}
}
