package hub

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// world is a random history with random readers.
type world struct {
	*rand.Rand
	r       *rig
	clients []*client
	epoch   int
}

// TestWhateverHappensEverybodyEndsWithTheMap lets random events happen while
// random clients read now and then, lose their connections after any frame and
// come back in any way. The clients check each frame (see client); in the end
// all hold exactly what the fold holds.
func TestWhateverHappensEverybodyEndsWithTheMap(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := &world{Rand: rand.New(rand.NewPCG(seed, 1)), r: newRig(t), epoch: 1}
			for range 250 {
				w.happen()
				for range w.IntN(4) {
					w.somebody(t)
				}
				if t.Failed() {
					return
				}
			}
			for _, c := range w.clients {
				c.drain()
				if !c.live {
					t.Error("a client has drained and is not live")
				}
				c.wantFinal()
			}
			if s := w.r.Stats(); seed == 0 && (s.FellOff == 0 || s.Encoded == 0 || s.FromMap == 0) {
				t.Errorf("not everything was tried: %+v", s)
			}
		})
	}
}

func (w *world) topic() string { return string('a' + rune(w.IntN(3))) }

func (w *world) value() string {
	switch n := w.IntN(100); {
	case n < 35:
		return ""
	case n < 95:
		return strings.Repeat("v", 1+w.IntN(300))
	case n < 99:
		return strings.Repeat("V", 1+w.IntN(9000))
	default:
		return strings.Repeat("W", segmentSize+w.IntN(9000))
	}
}

func (w *world) happen() {
	switch n := w.IntN(1000); {
	case n < 3:
		w.epoch++
		w.r.apply("open", fmt.Sprintf("e%d", w.epoch))
	case n < 30:
		w.many("x")
	case n < 50:
		w.many("")
	case n < 56:
		for range 100 { // enough to lap a ring
			w.r.put(set{"a", key(w.IntN(20)), strings.Repeat("r", 12000)})
		}
	default:
		var sets []set
		for range 1 + w.IntN(6) {
			sets = append(sets, set{w.topic(), key(w.IntN(30)), w.value()})
		}
		w.r.put(sets...)
	}
}

// many sets or deletes so many keys at once that tombstones are dropped.
func (w *world) many(value string) {
	var sets []set
	topic, from := w.topic(), w.IntN(1500)
	for n := range 500 {
		sets = append(sets, set{topic, key(from + n), value})
	}
	w.r.put(sets...)
}

// somebody does something: a new client comes, or one reads or reconnects.
func (w *world) somebody(t *testing.T) {
	if len(w.clients) < 12 {
		topics := strings.Split([]string{"a", "a", "b", "a,b", "b,a,c", "c,a"}[w.IntN(6)], ",")
		w.clients = append(w.clients, newClient(t, w.r, w.IntN(2) == 0, topics...))
		return
	}
	c := w.clients[w.IntN(len(w.clients))]
	switch w.IntN(5) {
	case 0:
		c.drain()
	case 1:
		for range 1 + w.IntN(3) {
			c.read(-1)
		}
	case 2:
		for _, f := range parse(t, c.sub.Ping(c.sub.since)) {
			c.take(f)
		}
	default:
		c.read(w.IntN(6))
		c.connect(resumeBy(w.IntN(2)))
	}
}
