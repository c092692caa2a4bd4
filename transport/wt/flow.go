package wt

import (
	"errors"
	"sync"

	"github.com/quic-go/quic-go/http3"
)

// errFlow is a client that does not keep to the draft's flow control.
var errFlow = errors.New("wt: over a limit of the session")

// flow is the draft's flow control of one session (section 5 of version 15),
// above QUIC's: how many streams the client may open and how much it may send on
// all of them, and how much the hub may. Both sides take part in it or neither.
type flow struct {
	mu sync.Mutex

	bidi, uni places

	// received is what came on the client's streams and has been read or never
	// will be; receiveMost is how much may.
	received, receiveMost uint64

	// sent is how much the hub has, and sendMost how much it may have.
	sent, sendMost uint64
	// raised is closed when sendMost is, nil while nobody waits for that.
	raised chan struct{}
	// blocked is the limit that was last in the way, and one more.
	blocked uint64

	// told is what the client has been told of, or knew from the beginning.
	told news
}

// news are limits that a client may be told of, each as it stands.
type news struct{ bidi, uni, data, blocked uint64 }

// newFlow returns the flow control of a session with a client of such settings,
// nil if it takes no part.
func newFlow(client *http3.Settings) *flow {
	most := client.Other
	if most[settingMaxData] == 0 && most[settingMaxStreams] == 0 && most[settingMaxStreamsUni] == 0 {
		return nil
	}
	return &flow{
		bidi:        places{size: maxStreams, most: maxStreams},
		uni:         places{size: maxUniStreams, most: maxUniStreams},
		receiveMost: maxData, sendMost: most[settingMaxData],
		told: news{maxStreams, maxUniStreams, maxData, 0},
	}
}

// places counts the streams of one kind.
type places struct {
	size         uint64 // how many may be open at once
	opened, open uint64
	most         uint64 // how many may have been opened
}

func (p *places) take() error {
	if p.opened >= p.most {
		return errFlow
	}
	p.opened++
	p.open++
	return nil
}

func (p *places) free() {
	p.open--
	p.most = max(p.most, p.opened+p.size-p.open)
}

// begin counts a stream that the client opened; it returns errFlow for one too
// many. A nil flow counts nothing.
func (f *flow) begin(uni bool) error {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if uni {
		return f.uni.take()
	}
	return f.bidi.take()
}

// end counts a stream that has ended.
func (f *flow) end(uni bool) {
	if f == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if uni {
		f.uni.free()
	} else {
		f.bidi.free()
	}
}

// receive counts n bytes of the client's streams; it returns errFlow for one too
// many. There is room for more when a quarter of it is used.
func (f *flow) receive(n uint64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n > f.receiveMost-f.received {
		return errFlow
	}
	f.received += n
	if f.receiveMost-f.received <= maxData-maxData/4 {
		f.receiveMost = f.received + maxData
	}
	return nil
}

// take takes up to n bytes of what the hub may send.
func (f *flow) take(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sent >= f.sendMost {
		return 0
	}
	n = int(min(uint64(n), f.sendMost-f.sent))
	f.sent += uint64(n)
	return n
}

// giveBack gives back n bytes that were taken and not sent.
func (f *flow) giveBack(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent -= uint64(n)
	f.wake()
}

// wake has who waits to send look again; f.mu is held.
func (f *flow) wake() {
	if f.raised != nil {
		close(f.raised)
		f.raised = nil
	}
}

// wait returns what is closed when more may be sent than now, or at once if
// something may. If not, the client is to be told that its limit is in the way.
func (f *flow) wait() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sent < f.sendMost {
		return closed
	}
	if f.raised == nil {
		f.raised = make(chan struct{})
	}
	f.blocked = f.sendMost + 1
	return f.raised
}

var closed = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// raise is a new limit from the client; it returns errFlow for one that is not
// higher than the last.
func (f *flow) raise(most uint64) error {
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if most <= f.sendMost {
		return errFlow
	}
	f.sendMost = most
	f.wake()
	return nil
}

// appendNews appends what the client does not know yet. Once that is said, tell
// is to be called with what comes back; only one goroutine at a time may do so.
func (f *flow) appendNews(b []byte) ([]byte, news) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := news{f.bidi.most, f.uni.most, f.receiveMost, f.blocked}
	if now.bidi != f.told.bidi {
		b = appendNumber(b, capsuleMaxStreams, now.bidi)
	}
	if now.uni != f.told.uni {
		b = appendNumber(b, capsuleMaxStreamsUni, now.uni)
	}
	if now.data != f.told.data {
		b = appendNumber(b, capsuleMaxData, now.data)
	}
	if now.blocked != f.told.blocked {
		b = appendNumber(b, capsuleDataBlocked, now.blocked-1)
	}
	return b, now
}

// tell notes what the client has been told.
func (f *flow) tell(n news) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = n
}
