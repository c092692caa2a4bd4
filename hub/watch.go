package hub

import (
	"cmp"
	"context"
	"slices"

	"everything.local/event"
)

// Watch calls fn with what a topic holds once the hub is Ready, even if that is
// nothing, and from then on with what changed, tombstones included, sorted by
// Seq, then Key. States that were superseded before fn returned are skipped,
// the final one never. Watch returns fn's error or ctx's cause.
func (h *Hub) Watch(ctx context.Context, name event.Topic, fn func([]event.Entry) error) error {
	select {
	case <-h.ready:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	w := &watcher{hub: h, known: make(map[string]bool)}
	woken := newBell()
	w.waker = woken
	h.mu.Lock()
	w.topic = h.topic(name)
	w.topic.follow(&w.follower)
	h.mu.Unlock()
	defer w.close()

	for first := true; ; first = false {
		if entries := w.changed(); first || len(entries) > 0 {
			if err := fn(entries); err != nil {
				return err
			}
		}
		select {
		case <-woken:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// watcher is one call of Watch.
type watcher struct {
	follower
	hub   *Hub
	topic *topic
	seq   uint64
	// known are the keys that fn holds, to find those whose tombstones were
	// dropped before it saw them.
	known map[string]bool
}

func (w *watcher) close() {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	w.topic.unfollow(&w.follower)
	if w.topic.blank() {
		delete(w.hub.topics, w.topic.name)
	}
}

func (w *watcher) changed() []event.Entry {
	w.hub.mu.RLock()
	defer w.hub.mu.RUnlock()
	t := w.topic
	var entries []event.Entry
	walk := t.changed(mark{seq: w.seq}, 0)
	for it := walk.next(); it != nil; it = walk.next() {
		if it.value != nil || w.known[it.key] {
			entries = append(entries, it.entry(t.name))
		}
		w.note(it)
	}
	if t.floor > w.seq {
		entries = w.missed(entries)
	}
	w.seq = w.hub.applied
	return entries
}

func (w *watcher) note(it *item) {
	if it.value != nil {
		w.known[it.key] = true
	} else {
		delete(w.known, it.key)
	}
}

// missed adds tombstones of keys that went without leaving one. When exactly
// they went is not known any more; the floor is as late as it can have been.
func (w *watcher) missed(entries []event.Entry) []event.Entry {
	for key := range w.known {
		if w.topic.items[key] == nil {
			delete(w.known, key)
			entries = append(entries, event.Entry{Topic: w.topic.name, Key: key, Seq: w.topic.floor})
		}
	}
	slices.SortFunc(entries, func(a, b event.Entry) int {
		return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Key, b.Key))
	})
	return entries
}
