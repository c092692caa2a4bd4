package ws

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// read gives b to r in pieces of the sizes that next says, and writes down what
// r makes of it. It fails the test if r keeps more than it says.
func read(t *testing.T, r *reader, b []byte, next func() int) []string {
	t.Helper()
	var got []string
	for b = slices.Clone(b); len(b) > 0; {
		n := min(max(next(), 1), len(b))
		for piece := b[:n]; len(piece) > 0; {
			ev, rest, err := r.next(piece)
			if v, ok := errors.AsType[*violation](err); ok {
				got = append(got, fmt.Sprint("fault ", v.code))
			} else if err != nil {
				t.Fatalf("%v is no violation", err)
			}
			switch ev.kind {
			case nothing:
			case fragment:
				got = append(got, "fragment")
			case text:
				got = append(got, "text "+string(ev.payload))
			case ping:
				got = append(got, "ping "+string(ev.payload))
			case pong:
				got = append(got, "pong")
			case closing:
				if err == nil {
					got = append(got, fmt.Sprint("close ", ev.code))
				}
			}
			if kept := len(r.kept); kept > r.limit+maxControl {
				t.Fatalf("%d bytes are kept, the limit is %d", kept, r.limit)
			}
			piece = rest
		}
		b = b[n:]
	}
	return got
}

func always(n int) func() int { return func() int { return n } }

func TestReader(t *testing.T) {
	long := strings.Repeat("x", maxMessage)
	for _, tt := range []struct {
		name string
		sent []byte
		want []string
	}{
		{"nothing", nil, nil},
		{"a text", client(one(opText, "Hello")), []string{"text Hello"}},
		{"the RFC's example", []byte("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), []string{"text Hello"}},
		{"texts", client(one(opText, "a"), one(opText, ""), one(opText, "c")), []string{"text a", "text ", "text c"}},
		{"fragments", client(first("He"), more("l"), more(""), last("lo")), []string{"fragment", "fragment", "fragment", "text Hello"}},
		{"controls within a message", client(first("He"), one(opPing, "p"), more("l"), one(opPong, ""), last("lo"), one(opPing, "")), []string{
			"fragment", "ping p", "fragment", "pong", "text Hello", "ping ",
		}},
		{"a character over fragments", client(first("\xe2"), one(opPing, "\xff"), more("\x82"), last("\xac")), []string{
			"fragment", "ping \xff", "fragment", "text €",
		}},
		{"as long as may be", client(one(opText, long)), []string{"text " + long}},
		{"as long as may be, in parts", client(first(long[1:]), last("x")), []string{"fragment", "text " + long}},
		{"too long", client(one(opText, long+"x")), []string{"fault 1009"}},
		{"too long, in parts", client(first(long), more(""), last("x")), []string{"fragment", "fragment", "fault 1009"}},
		{"too long by its header", []byte("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00"), []string{"fault 1009"}},
		{"close", client(one(opClose, ""), one(opText, "late")), []string{"close 1005"}},
		{"close with a code", client(one(opText, "a"), one(opClose, "\x03\xe8bye"), one(opClose, "")), []string{"text a", "close 1000"}},
		{"close within a message", client(first("a"), one(opClose, "\x03\xe9"), last("b")), []string{"fragment", "close 1001"}},
		{"after a fault", client(one(3, ""), one(opText, "a")), []string{"fault 1002"}},

		{"not masked", []byte("\x81\x05Hello"), []string{"fault 1002"}},
		{"length top bit", []byte("\x81\xff\x80\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00"), []string{"fault 1002"}},
		{"125 in two bytes", []byte("\x81\xfe\x00\x7d\x00\x00\x00\x00"), []string{"fault 1002"}},
		{"0 in two bytes", []byte("\x81\xfe\x00\x00\x00\x00\x00\x00"), []string{"fault 1002"}},
		{"65535 in eight bytes", []byte("\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x00\x00"), []string{"fault 1002"}},
		{"fragmented ping", client(frame{op: opPing}), []string{"fault 1002"}},
		{"ping of 126 bytes", client(one(opPing, strings.Repeat("x", 126))), []string{"fault 1002"}},
		{"binary", client(one(opBinary, "a")), []string{"fault 1003"}},
		{"not UTF-8", client(one(opText, "a\xff")), []string{"fault 1007"}},
		{"half a character", client(one(opText, "a\xe2\x82")), []string{"fault 1007"}},
		{"half a character, in parts", client(first("a\xe2"), last("\x82")), []string{"fragment", "fault 1007"}},
		{"not UTF-8 over fragments", client(first("\xed"), more("\xa0"), last("\x80")), []string{"fragment", "fault 1007"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{len(tt.sent), 1, 2, 3, 7, 1000} {
				got := read(t, &reader{limit: maxMessage}, tt.sent, always(size))
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("in pieces of %d (-want +got):\n%s", size, diff)
				}
			}
		})
	}
}

// TestReaderFailsFast: a fault is told with the byte that makes it one.
func TestReaderFailsFast(t *testing.T) {
	for _, tt := range []struct {
		name string
		sent []byte
		at   int // how many bytes are fine
	}{
		{"reserved bit", client(frame{fin: true, op: opText, rsv: 0x40, payload: []byte("x")}), 1},
		{"not masked", []byte("\x81\x7f\x00"), 1},
		{"not UTF-8", client(one(opText, "abc\xffdef")), 2 + 4 + 3},
		{"beyond Unicode", client(one(opText, "abc\xf4\x90\x80\x80")), 2 + 4 + 4},
		{"too long", []byte("\x81\xfe\x20\x01\x00\x00\x00\x00x"), 7},
	} {
		r := &reader{limit: maxMessage}
		if got := read(t, r, tt.sent[:tt.at], always(1)); got != nil {
			t.Errorf("%s: %v after %d bytes", tt.name, got, tt.at)
		}
		if got := read(t, r, tt.sent[tt.at:tt.at+1], always(1)); len(got) != 1 || !strings.HasPrefix(got[0], "fault") {
			t.Errorf("%s: %v with byte %d, want a fault", tt.name, got, tt.at+1)
		}
	}
}

// TestReaderKeepsNothing: between messages a reader holds no buffer, and what
// is announced but has not come costs nothing.
func TestReaderKeepsNothing(t *testing.T) {
	r := &reader{limit: maxMessage}
	read(t, r, client(one(opText, strings.Repeat("x", 5000)), first("a"), one(opPing, "abc"), last("b"), one(opPing, "abc")), always(3))
	read(t, r, client(one(opPong, "")), always(6)) // the payload given away last may be dropped now
	if r.kept != nil {
		t.Errorf("%d bytes are kept after the last message", cap(r.kept))
	}
	read(t, r, client(one(opText, strings.Repeat("x", maxMessage)))[:9], always(9))
	if cap(r.kept) > 64 {
		t.Errorf("%d bytes are kept for one that has come", cap(r.kept))
	}
}

// TestReaderCopiesNothing: a message that comes in one piece is not copied.
func TestReaderCopiesNothing(t *testing.T) {
	sent := client(one(opText, `{"ping":true}`))
	b := make([]byte, len(sent))
	r := &reader{limit: maxMessage}
	if n := testing.AllocsPerRun(100, func() {
		copy(b, sent)
		if ev, _, err := r.next(b); ev.kind != text || err != nil {
			t.Fatal(ev, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a message", n)
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte{}, []byte{1})
	f.Add(client(one(opText, `{"topics":"menu"}`), one(opText, `{"pace":"idle"}`)), []byte{5, 1})
	f.Add(client(first("\xe2"), one(opPing, "abc"), more("\x82"), last("\xac"), one(opClose, "\x03\xe8bye")), []byte{1})
	f.Add(client(one(opText, strings.Repeat("x", 130)), one(opBinary, "")), []byte{130, 2})
	f.Add(client(first(strings.Repeat("x", 200)), last(strings.Repeat("y", 100))), []byte{7})
	f.Add([]byte("\x81\xff\x80\x00\x00\x00\x00\x00\x00\x01"), []byte{3})
	f.Add(client(one(opPing, strings.Repeat("p", 125)), one(opPong, ""), one(opClose, "\x03")), []byte{64, 3})
	f.Add(client(frame{fin: true, op: opText, rsv: 0x10}), []byte{1})
	f.Fuzz(func(t *testing.T, sent, sizes []byte) {
		const limit = 256
		whole := read(t, &reader{limit: limit}, sent, always(len(sent)))
		i := 0
		pieces := read(t, &reader{limit: limit}, sent, func() int {
			i++
			if len(sizes) == 0 {
				return 1
			}
			return int(sizes[i%len(sizes)])
		})
		if diff := cmp.Diff(whole, pieces); diff != "" {
			t.Errorf("cut up, it says something else (-whole +pieces):\n%s", diff)
		}
		for _, said := range whole {
			if message, ok := strings.CutPrefix(said, "text "); ok && len(message) > limit {
				t.Errorf("a message of %d bytes", len(message))
			}
		}
	})
}
