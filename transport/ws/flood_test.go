package ws

import (
	"bytes"
	"io"
	"runtime"
	"testing"
	"time"

	"everything.local/event"
	"everything.local/transport"
)

// live returns the heap that is in use after a collection.
func live() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first one's finalizers let go of
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestFlood: a client that sends a million messages as fast as it can is
// refused early, costs no memory, and is not noticed by those beside it.
func TestFlood(t *testing.T) {
	r := newRig(t, setup{})
	beside := r.follow("")
	before := live()
	p := r.follow("")
	batch := bytes.Repeat(client(one(opText, `{"ping":true}`)), 1000)
	sent := 0
	for range 1000 {
		n, err := p.Write(batch)
		sent += n
		if err != nil {
			break
		}
	}
	r.wantEnded(t, transport.Refused)
	if most := lateMost + 8<<20; sent > most { // the rest is in the sockets' buffers
		t.Errorf("the hub took %d bytes of the flood", sent)
	}
	if now, most := live(), before+1<<20; now > most {
		t.Errorf("%d KiB more are in use after the flood", (now-before)>>10)
	}
	at := r.append(1)
	for !bytes.Contains(beside.frame().payload, []byte(at)) {
	}
	p.wantFault(event.TooManyRequests)
	if f := p.frame(); f.op != opClose {
		t.Errorf("got %v, want the close frame", f)
	}
}

// TestComeAndGo: after many connections, half of them broken off, the hub holds
// as much as before.
func TestComeAndGo(t *testing.T) {
	r := newRig(t, setup{})
	comeAndGo := func(times int) {
		for i := range times {
			p := r.follow("")
			if i%2 == 0 {
				_ = p.NetConn().Close()
			} else {
				p.send(client(one(opClose, "")))
				_, _ = io.Copy(io.Discard, p.r)
				_ = p.Close()
			}
			r.wantEnded(t, transport.ClientGone)
		}
	}
	comeAndGo(50) // whatever is made once is made
	goroutines, memory := runtime.NumGoroutine(), live()
	const times = 500
	comeAndGo(times)
	for start := time.Now(); runtime.NumGoroutine() > goroutines && time.Since(start) < 5*time.Second; {
		runtime.Gosched() // the last ones are about to end
	}
	if now := runtime.NumGoroutine(); now > goroutines {
		t.Errorf("%d goroutines before, %d after", goroutines, now)
	}
	// The test itself keeps a few hundred bytes for each to clean up.
	if now, most := live(), memory+times*(8<<10); now > most {
		t.Errorf("%d KiB are in use, %d before", now>>10, memory>>10)
	}
}
