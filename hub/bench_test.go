package hub

import (
	"fmt"
	"strings"
	"testing"

	"everything.local/event"
)

func BenchmarkPublish(b *testing.B) {
	for _, n := range []int{0, 1, 1000} {
		b.Run(fmt.Sprintf("subscribers=%d", n), func(b *testing.B) {
			h, _ := fanout(b, 50, n, "a")
			b.ReportAllocs()
			for b.Loop() {
				publish(b, h, 1)
			}
		})
	}
}

// BenchmarkNext is a delivery to one of 1,000 subscribers.
func BenchmarkNext(b *testing.B) {
	for _, topics := range []string{"a", "a,b"} {
		b.Run("topics="+topics, func(b *testing.B) {
			h, subs := fanout(b, 50, 1000, topics)
			b.ReportAllocs()
			i := len(subs)
			for b.Loop() {
				if i == len(subs) {
					b.StopTimer()
					for _, s := range subs {
						drain(s)
					}
					publish(b, h, 1)
					i = 0
					b.StartTimer()
				}
				if len(subs[i].Next()) == 0 {
					b.Fatal("nothing")
				}
				i++
			}
		})
	}
}

// BenchmarkFromTheMap is a delivery on a topic that has no ring.
func BenchmarkFromTheMap(b *testing.B) {
	h, subs := fanout(b, 20, 1, "a")
	b.ReportAllocs()
	for b.Loop() {
		publish(b, h, 1)
		if len(subs[0].Next()) == 0 {
			b.Fatal("nothing")
		}
	}
}

// BenchmarkSnapshot is a subscription to a topic of 50 entries until it is
// live.
func BenchmarkSnapshot(b *testing.B) {
	h, _ := fanout(b, 50, ringFrom, "a")
	b.ReportAllocs()
	for b.Loop() {
		s, err := h.Subscribe(Request{Positions: []event.Position{{Topic: "a"}}, Encoding: line{}})
		if err != nil {
			b.Fatal(err)
		}
		for len(s.Next()) > 0 {
		}
		s.Close()
	}
}

// BenchmarkSubscribe is a subscription to a topic that nobody else follows and
// that holds nothing, beside 10,000 others like it.
func BenchmarkSubscribe(b *testing.B) {
	h, _ := fanout(b, 50, 0, "a")
	var ps [][]event.Position
	for n := range 10_000 {
		p := []event.Position{{Topic: event.OrdersOf(key(n))}}
		ps = append(ps, p)
		if _, err := h.Subscribe(Request{Positions: p, Encoding: line{}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		s, err := h.Subscribe(Request{Positions: ps[n%len(ps)], Encoding: line{}})
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
		n++
	}
}

// BenchmarkCheckpoint is the state of a busy house.
func BenchmarkCheckpoint(b *testing.B) {
	h, _ := fanout(b, 5000, 0, "a")
	b.ReportAllocs()
	for b.Loop() {
		if c, err := h.snapshot(); err != nil || !strings.HasPrefix(string(c[:4]), "hub ") {
			b.Fatal(err)
		}
	}
}

// BenchmarkRing is the frames of one event on their way into a ring and, as one
// slice, out of it.
func BenchmarkRing(b *testing.B) {
	r := new(ring)
	block := []byte(ticket)
	b.SetBytes(int64(len(block)))
	b.ReportAllocs()
	at := r.end()
	for seq := uint64(1); b.Loop(); seq++ {
		r.append(block, 1, seq)
		st, ok := r.next(at, r.tail)
		if !ok || len(st.b) == 0 {
			b.Fatal("fell off")
		}
		at = st.end
	}
}

// BenchmarkEncode is the frame of one entry, ready to be sent.
func BenchmarkEncode(b *testing.B) {
	it := &item{key: "41", seq: 1042, value: []byte(ticket)}
	var c chunk
	b.ReportAllocs()
	for b.Loop() {
		c.out = c.out[:0]
		c.json = appendItem(c.json[:0], "board", it, "k3f9.1042")
		if !c.add(line{}, "") {
			b.Fatal("no room")
		}
	}
}

// BenchmarkResume is a subscription to a topic of 50 entries, ten of which have
// changed since the position it gives, until it is live.
func BenchmarkResume(b *testing.B) {
	h, _ := fanout(b, 50, ringFrom, "a")
	p := []event.Position{{Topic: "a", Cursor: event.Cursor{Epoch: "e1", Seq: h.applied - 10}}}
	b.ReportAllocs()
	for b.Loop() {
		s, err := h.Subscribe(Request{Positions: p, Encoding: line{}})
		if err != nil {
			b.Fatal(err)
		}
		for len(s.Next()) > 0 {
		}
		s.Close()
	}
}

// BenchmarkCatchUp is an event for 1,000 subscribers, and one of them that has
// fallen off the ring: it is read from the map until it is back on it.
func BenchmarkCatchUp(b *testing.B) {
	h, subs := fanout(b, 50, 1000, "a")
	slow := subs[0]
	b.ReportAllocs()
	for b.Loop() {
		slow.feeds[0].stream.ring.skip()
		publish(b, h, 1)
		frames := 0
		for c := slow.Next(); len(c) > 0; c = slow.Next() {
			frames++
		}
		if frames == 0 {
			b.Fatal("nothing")
		}
	}
	if h.Stats().FellOff == 0 {
		b.Fatal("nobody fell off")
	}
}
