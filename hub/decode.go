package hub

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"everything.local/event"
)

// errCheckpoint is bytes that no hub of this version saved.
var errCheckpoint = errors.New("hub: not a checkpoint")

// decoder reads what encode wrote. After the first fault everything reads as
// nothing and err says what it was.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", errCheckpoint, what)
		d.b = nil
	}
}

func (d *decoder) number() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || n != max(1, (bits.Len64(v)+6)/7) { // one spelling a number
		d.fail("a number")
		return 0
	}
	d.b = d.b[n:]
	return v
}

// count reads how many things follow; each takes one byte at least.
func (d *decoder) count() int {
	n := d.number()
	if n > uint64(len(d.b)) {
		d.fail("a length")
		return 0
	}
	return int(n)
}

func (d *decoder) bytes() []byte {
	n := d.count()
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) text() string { return string(d.bytes()) }

// decodeCheckpoint reads a checkpoint and holds it to everything that apply
// guarantees, so that a damaged one is noticed here and not in a feed.
func decodeCheckpoint(b []byte) (saved, error) {
	rest, ok := bytes.CutPrefix(b, []byte(checkpointMagic))
	d := &decoder{b: rest}
	if !ok {
		d.fail("another form")
	}
	s := saved{seq: d.number(), epoch: d.text(), last: d.text(), fold: d.bytes()}
	if s.seq == 0 {
		d.fail("before the first event")
	}
	for n := d.count(); n > 0 && d.err == nil; n-- {
		t := d.topic(s.seq)
		if k := len(s.topics); k > 0 && s.topics[k-1].name >= t.name {
			d.fail("topics out of order")
		}
		s.topics = append(s.topics, t)
	}
	if len(d.b) > 0 {
		d.fail("something behind the end")
	}
	return s, d.err
}

func (d *decoder) topic(head uint64) *topic {
	t := &topic{name: event.Topic(d.text()), floor: d.number(), items: make(map[string]*item)}
	d.sequence(t, &t.present, head, true)
	d.sequence(t, &t.gone, head, false)
	switch {
	case t.floor > head || t.gone.count > MaxTombstones:
		d.fail("a floor or tombstones beyond what can be")
	case t.gone.count > 0 && t.gone.slots[0].seq < t.floor:
		d.fail("a tombstone below the floor")
	case len(t.items) == 0 && t.floor == 0:
		d.fail("a blank topic")
	}
	return t
}

func (d *decoder) sequence(t *topic, s *sequence, head uint64, values bool) {
	var before mark
	for n := d.count(); n > 0 && d.err == nil; n-- {
		it := &item{seq: d.number(), key: d.text()}
		if values {
			it.value = bytes.Clone(d.bytes())
		}
		if values && len(it.value) == 0 {
			d.fail("an entry without a value")
			return
		}
		if before.passed(it) || it.seq > head || t.items[it.key] != nil {
			d.fail("entries out of order")
			return
		}
		before = mark{it.seq, it.key, true}
		t.items[it.key] = it
		s.push(it)
	}
}
