package ws

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/time/rate"
)

// conformance is one case of a conformance list that follows the Autobahn
// suite's, whose sections it names. Its sections 12 and 13 are about
// compression, which is an extension: the hub agrees to none.
type conformance struct {
	section string
	sent    []byte
	// want is what comes back, in the words of answers. A case that does not end
	// in a close is ended by the client.
	want []string
}

// echoLimit is the longest message of the echo, above the hub's own, so that
// every form of a length is met.
const echoLimit = 4 << 20

// echo is the user of a connection that sends every message back.
type echo struct {
	conn

	t *testing.T
}

func (e *echo) message(b []byte) bool {
	if err := e.Put(appendFrame(nil, opText, b)); err != nil {
		e.t.Errorf("echo: %v", err)
	}
	return true
}

func (e *echo) ended(err error) { e.part(endingFor(err)) }

func (*echo) sent() {}

// echoes serves echoes of messages up to a limit.
func echoes(t *testing.T, limit int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		accept, err := checkHandshake(r)
		if err != nil {
			t.Error(err)
			return
		}
		e := &echo{t: t}
		e.user = e
		read, err := e.takeOver(w, r)
		if err != nil {
			t.Error(err)
			return
		}
		e.in.limit, e.controls = limit, rate.NewLimiter(rate.Inf, 0)
		_ = e.Put(answer(accept))
		e.Start(read)
	})
}

func TestConformance(t *testing.T) {
	r := newRig(t, setup{handler: echoes(t, echoLimit)})
	sections := make(map[string]bool)
	for _, tt := range slices.Concat(framing(), pings(), reserved(), fragmentation(), texts(), closes(), limits()) {
		if sections[tt.section] {
			t.Errorf("section %s is there twice", tt.section)
		}
		sections[tt.section] = true
		for _, size := range []int{len(tt.sent), 997, 1} {
			const most = 2000 // single bytes of more would only take time
			if size == 1 && len(tt.sent) > most || size == 997 && len(tt.sent) <= size {
				continue
			}
			t.Run(fmt.Sprintf("%s in pieces of %d", tt.section, size), func(t *testing.T) { tt.run(t, r, size) })
		}
	}
}

// TestLimit is the hub's own, in place of those of section 9.
func TestLimit(t *testing.T) {
	r := newRig(t, setup{handler: echoes(t, maxMessage)})
	long := strings.Repeat("x", maxMessage)
	for _, tt := range []conformance{
		{"8 KiB", client(one(opText, long)), []string{"text " + long}},
		{"a byte more", client(one(opText, long+"x")), []string{"close 1009"}},
		{"a byte more, in fragments", client(first(long[:5000]), more(long[5000:]), last("x")), []string{"close 1009"}},
	} {
		t.Run(tt.section, func(t *testing.T) { tt.run(t, r, len(tt.sent)) })
	}
}

func (tt conformance) run(t *testing.T, r *rig, size int) {
	if len(tt.sent) == 0 {
		t.Fatal("nothing is sent")
	}
	p := r.open()
	p.t = t
	sent := slices.Clone(tt.sent)
	closes := len(tt.want) > 0 && strings.HasPrefix(tt.want[len(tt.want)-1], "close")
	if !closes {
		sent = append(sent, client(one(opClose, "\x03\xe8"))...)
		tt.want = append(slices.Clip(tt.want), "close 1000")
	}
	var sending sync.WaitGroup
	defer sending.Wait()
	sending.Go(func() {
		for piece := range slices.Chunk(sent, size) {
			if _, err := p.Write(piece); err != nil {
				return // the server has seen enough
			}
		}
	})
	if diff := cmp.Diff(tt.want, p.answers()); diff != "" {
		t.Errorf("(-want +got):\n%.2000s", diff)
	}
}

// answers reads all that comes up to the close frame, which must be the last.
func (p *peer) answers() []string {
	p.t.Helper()
	_ = p.SetReadDeadline(time.Now().Add(time.Minute)) // for a case that gets no answer
	var got []string
	for {
		f := p.frame()
		switch f.op {
		case opText:
			got = append(got, "text "+string(f.payload))
		case opPong:
			got = append(got, "pong "+string(f.payload))
		case opClose:
			code, err := parseClose(f.payload)
			if err != nil {
				p.t.Error(err)
			}
			_, _ = p.Write(client(f)) // it may be the answer to this client's own
			_ = p.CloseWrite()        // who has failed the connection reads no close frame
			p.wantEnd()
			return append(got, fmt.Sprint("close ", code))
		default:
			p.t.Fatalf("got %v", f)
		}
	}
}

// framing is section 1: every form of a length, as text and as binary data.
func framing() (cases []conformance) {
	for i, n := range []int{0, 125, 126, 127, 128, 65535, 65536} {
		text := strings.Repeat("*", n)
		cases = append(
			cases,
			conformance{fmt.Sprintf("1.1.%d", i+1), client(one(opText, text)), []string{"text " + text}},
			conformance{fmt.Sprintf("1.2.%d", i+1), client(one(opBinary, text)), []string{"close 1003"}},
		)
	}
	return cases
}

// pings is section 2.
func pings() []conformance {
	const bytes = "\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
	long := strings.Repeat("\xfe", maxControl)
	var ten []frame
	var pongs []string
	for i := range 10 {
		ten = append(ten, one(opPing, fmt.Sprint("payload-", i)))
		pongs = append(pongs, fmt.Sprint("pong payload-", i))
	}
	return []conformance{
		{"2.1", client(one(opPing, "")), []string{"pong "}},
		{"2.2", client(one(opPing, "Hello, world!")), []string{"pong Hello, world!"}},
		{"2.3", client(one(opPing, bytes)), []string{"pong " + bytes}},
		{"2.4", client(one(opPing, long)), []string{"pong " + long}},
		{"2.5", client(one(opPing, long+"\xfe")), []string{"close 1002"}},
		{"2.7", client(one(opPong, "")), nil},
		{"2.8", client(one(opPong, "unsolicited")), nil},
		{"2.9", client(one(opPong, "unsolicited"), one(opPing, "our own")), []string{"pong our own"}},
		{"2.10", client(ten...), pongs},
	}
}

// reserved is sections 3 and 4: reserved bits and opcodes.
func reserved() (cases []conformance) {
	const hello = "Hello, world!"
	bits := func(rsv byte, op opcode, payload string) []byte {
		return client(frame{fin: true, rsv: rsv << 4, op: op, payload: []byte(payload)})
	}
	after := func(b []byte) []byte {
		return slices.Concat(client(one(opText, hello)), b, client(one(opPing, "")))
	}
	failed, later := []string{"close 1002"}, []string{"text " + hello, "close 1002"}
	cases = []conformance{
		{"3.1", bits(1, opText, hello), failed},
		{"3.2", after(bits(2, opText, hello)), later},
		{"3.3", after(bits(3, opText, hello)), later},
		{"3.4", after(bits(4, opText, hello)), later},
		{"3.5", bits(5, opBinary, hello), failed},
		{"3.6", bits(6, opPing, hello), failed},
		{"3.7", bits(7, opClose, ""), failed},
	}
	for i := range 5 {
		data, control := opcode(3+i), opcode(11+i)
		payload := strings.Repeat(hello, i%2)
		cases = append(
			cases,
			conformance{fmt.Sprintf("4.1.%d", i+1), client(one(data, payload)), failed},
			conformance{fmt.Sprintf("4.1.%d after a message", i+1), after(client(one(data, payload))), later},
			conformance{fmt.Sprintf("4.2.%d", i+1), client(one(control, payload)), failed},
			conformance{fmt.Sprintf("4.2.%d after a message", i+1), after(client(one(control, payload))), later},
		)
	}
	return cases
}

// fragmentation is section 5.
func fragmentation() []conformance {
	whole, failed := []string{"text fragment1fragment2"}, []string{"close 1002"}
	pinged := []string{"pong ping", "text fragment1fragment2"}
	unfinished := func(op opcode) frame { return frame{op: op, payload: []byte("fragment1")} }
	five := []frame{first("fragment1"), more("fragment2"), one(opPing, "ping 1"), more("fragment3"), more("fragment4"), one(opPing, "ping 2"), last("fragment5")}
	return []conformance{
		{"5.1", client(unfinished(opPing), last("fragment2")), failed},
		{"5.2", client(unfinished(opPong), last("fragment2")), failed},
		{"5.3", client(first("fragment1"), last("fragment2")), whole},
		{"5.6", client(first("fragment1"), one(opPing, "ping"), last("fragment2")), pinged},
		{"5.9", client(last("fragment1"), one(opText, "Hello")), failed},
		{"5.12", client(more("fragment1"), one(opText, "Hello")), failed},
		{"5.15", client(first("fragment1"), last("fragment2"), more("fragment3"), one(opText, "Hello")), []string{whole[0], "close 1002"}},
		{"5.16", client(more("fragment1"), first("fragment2"), last("fragment3")), failed},
		{"5.17", client(last("fragment1"), first("fragment2"), last("fragment3")), failed},
		{"5.18", client(first("fragment1"), one(opText, "fragment2")), failed},
		{"5.19", client(five...), []string{"pong ping 1", "pong ping 2", "text fragment1fragment2fragment3fragment4fragment5"}},
		{"5.20 a close in between", client(first("fragment1"), one(opClose, "\x03\xe8"), last("fragment2")), []string{"close 1000"}},
	}
}

// limits is section 9, as far as the echo's limit goes, and 10: large messages,
// many fragments. That pieces are written one by one is every section's.
func limits() (cases []conformance) {
	for i, n := range []int{64 << 10, 256 << 10, 1 << 20, 4 << 20} {
		text := strings.Repeat("Lorem ip", n/8)
		cases = append(cases, conformance{fmt.Sprintf("9.1.%d", i+1), client(one(opText, text)), []string{"text " + text}})
	}
	const n = 1 << 20
	for i, size := range []int{64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20} {
		cases = append(cases, conformance{fmt.Sprintf("9.3.%d", i+1), cutUp(n, size), []string{"text " + strings.Repeat("*", n)}})
	}
	for i, size := range []int{0, 16, 64, 256, 1 << 10, 4 << 10} {
		text := strings.Repeat("*", size)
		const times = 200
		cases = append(cases, conformance{
			fmt.Sprintf("9.7.%d", i+1), bytes.Repeat(client(one(opText, text)), times),
			slices.Repeat([]string{"text " + text}, times),
		})
	}
	return append(cases, conformance{"10.1.1", cutUp(65536, 1300), []string{"text " + strings.Repeat("*", 65536)}})
}

// cutUp is a message of n bytes in fragments of size.
func cutUp(n, size int) []byte {
	var frames []frame
	for left := n; left > 0; left -= size {
		f := more(strings.Repeat("*", min(size, left)))
		if left == n {
			f.op = opText
		}
		f.fin = left <= size
		frames = append(frames, f)
	}
	return client(frames...)
}
