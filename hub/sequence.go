package hub

import (
	"encoding/json"
	"slices"
	"sort"

	"everything.local/event"
)

// item is the newest state of a key in a topic; a nil value is a tombstone.
type item struct {
	key   string
	seq   uint64
	value json.RawMessage
	// at is the item's slot in its sequence.
	at int
}

func (it *item) entry(t event.Topic) event.Entry {
	return event.Entry{Topic: t, Key: it.key, Seq: it.seq, Value: it.value}
}

// mark is a place in the order of (seq, key). Without inside it lies behind
// all keys of seq, else right behind key.
type mark struct {
	seq    uint64
	key    string
	inside bool
}

// passed reports whether the item lies at or before the mark.
func (m mark) passed(it *item) bool {
	if it.seq != m.seq {
		return it.seq < m.seq
	}
	return !m.inside || it.key <= m.key
}

// whole is the highest seq that is complete at the mark.
func (m mark) whole() uint64 {
	if m.inside {
		return m.seq - 1
	}
	return m.seq
}

// sequence holds items in the order of (seq, key). Items come at the end and
// leave anywhere; what leaves a hole is squeezed out when holes are the
// majority, so each change costs a constant on average.
type sequence struct {
	slots []slot
	count int
	// head is the first slot that is no hole: tombstones leave from there.
	head int
}

// slot keeps the seq of an item that has left, for the search.
type slot struct {
	seq  uint64
	item *item
}

// squeezeFrom is the length below which holes are not worth a squeeze.
const squeezeFrom = 32

func (s *sequence) push(it *item) {
	it.at = len(s.slots)
	s.slots = append(s.slots, slot{it.seq, it})
	s.count++
}

func (s *sequence) remove(it *item) {
	s.slots[it.at].item = nil
	s.count--
	for s.head < len(s.slots) && s.slots[s.head].item == nil {
		s.head++
	}
	if len(s.slots) < squeezeFrom || s.count > len(s.slots)/2 {
		return
	}
	s.slots = slices.DeleteFunc(s.slots, func(sl slot) bool { return sl.item == nil })
	s.head = 0
	for i, sl := range s.slots {
		sl.item.at = i
	}
}

// newest is the seq of the last item, or at least of one that was there.
func (s *sequence) newest() uint64 {
	if len(s.slots) == 0 {
		return 0
	}
	return s.slots[len(s.slots)-1].seq
}

// walk goes through a sequence from a mark, one item at a time.
type walk struct {
	s *sequence
	m mark
	i int
}

// after begins a walk at the items behind the mark.
func (s *sequence) after(m mark) walk {
	from := m.whole() + 1
	i := sort.Search(len(s.slots), func(i int) bool { return s.slots[i].seq >= from })
	return walk{s, m, max(i, s.head)}
}

// peek returns the next item, or nil at the end.
func (c *walk) peek() *item {
	for ; c.i < len(c.s.slots); c.i++ {
		if it := c.s.slots[c.i].item; it != nil && !c.m.passed(it) {
			return it
		}
	}
	return nil
}

// next returns the next item, or nil at the end, and goes past it.
func (c *walk) next() *item {
	it := c.peek()
	c.i++
	return it
}

// first begins a walk through everything and returns the first item.
func (s *sequence) first() (walk, *item) {
	w := s.after(mark{})
	return w, w.next()
}
