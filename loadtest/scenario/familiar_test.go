package scenario

import (
	"fmt"
	"testing"
)

// TestFamiliar: what one was sent is known to those who come behind, only with
// the same bytes, and also to who missed some of it.
func TestFamiliar(t *testing.T) {
	f := new(familiar)
	frame := func(n int) []byte {
		return fmt.Appendf(nil, `{"topic":"menu","key":"load-%03d","seq":%d,"value":{"remaining":1},"cursor":"e.%[2]d"}`, n, n+100)
	}
	const frames = 20
	var first *known
	for n := range frames {
		if k := f.after(first, frame(n)); k != nil {
			t.Fatalf("frame %d is known before anybody was sent it", n)
		}
		first = f.learn(first, frame(n), n)
	}
	var second *known
	for n := range frames {
		k := f.after(second, frame(n))
		if k == nil || k.step != n || k.frame.Seq != uint64(n+100) || string(k.frame.Cursor) != fmt.Sprintf("e.%d", n+100) || k.digest != digest([]byte(`{"remaining":1}`)) {
			t.Fatalf("frame %d is known as %+v", n, k)
		}
		altered := frame(n)
		altered[len(altered)-3]++
		if f.after(second, altered) != nil || f.after(second, altered[:len(altered)-1]) != nil {
			t.Fatalf("frame %d is known although it is another", n)
		}
		second = k
	}
	// A third misses all but one, and finds its way back.
	third := f.learn(nil, frame(7), 7)
	if f.after(nil, frame(0)) == nil {
		t.Error("the first frame is no longer known to those who begin")
	}
	if k := f.after(third, frame(8)); k == nil || k.step != 8 {
		t.Errorf("who missed some does not know what follows: %v", k)
	}
	// Another order is taken as it comes.
	if k := f.learn(third, frame(3), 3); f.after(k, frame(4)) == nil {
		t.Error("after a frame out of order it does not know what follows")
	}
}
