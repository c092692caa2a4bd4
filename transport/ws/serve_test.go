package ws

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"everything.local/event"
	"everything.local/transport"
	"everything.local/transport/poll"
)

// inBubble runs a test over pipes in a bubble of its own.
func inBubble(t *testing.T, test func(*testing.T, *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newRig(t, setup{pipes: true})) })
}

// TestFirstMessage: what may come before the subscription, with it and in its
// place, and how the connection ends if no feed comes of it.
func TestFirstMessage(t *testing.T) {
	r := newRig(t, setup{})
	subscribe := one(opText, `{"topics":"menu"}`)
	for _, tt := range []struct {
		name  string
		sent  []byte
		fault event.Code // "" for a feed
		close closeCode
	}{
		{"in one piece", client(subscribe), "", 0},
		{"in fragments, after a ping", client(one(opPing, ""), first(`{"topics":`), one(opPong, ""), last(`"menu"}`)), "", 0},
		{"refused", client(one(opText, `{"topics":"kitchen"}`)), event.Unauthenticated, policyViolation},
		{"no JSON", client(one(opText, `menu`)), event.Malformed, policyViolation},
		{"a flood of pings", bytes.Repeat(client(one(opPing, "")), controlsAtOnce+1), event.TooManyRequests, policyViolation},
		{"endless fragments", client(append([]frame{first("")}, slices.Repeat([]frame{more("")}, controlsAtOnce)...)...), event.TooManyRequests, policyViolation},
		{"binary", client(one(opBinary, `{"topics":"menu"}`)), event.Malformed, unsupportedData},
		{"not UTF-8", client(one(opText, "\xff")), event.BadText, invalidPayload},
		{"too long", client(one(opText, strings.Repeat(" ", maxMessage+1))), event.TooLarge, messageTooBig},
		{"not masked", []byte("\x81\x02{}"), event.Malformed, protocolError},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := r.open(tt.sent...) // with the handshake, in one segment
			p.t = t
			if tt.fault == "" {
				p.untilLive()
				return
			}
			p.wantFault(tt.fault)
			p.wantClose(tt.close)
		})
	}
}

// TestWhoIsCalling: a token in the subscription beats that of the handshake.
func TestWhoIsCalling(t *testing.T) {
	r := newRig(t, setup{})
	const kitchen = `{"topics":"kitchen"}`
	for _, tt := range []struct {
		name, header, line string
		fault              event.Code
	}{
		{"by the handshake", "Authorization: Bearer barista", kitchen, ""},
		{"by the line", "DNT: 1", `{"topics":"kitchen","token":"barista"}`, ""},
		{"line for the better", "Authorization: Bearer ada", `{"topics":"kitchen","token":"barista"}`, ""},
		{"line for the worse", "Authorization: Bearer barista", `{"topics":"kitchen","token":"ada"}`, event.Forbidden},
		{"forged in the line", "Authorization: Bearer barista", `{"topics":"menu","token":"forged"}`, event.BadToken},
		{"nobody", "DNT: 1", kitchen, event.Unauthenticated},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := r.tls()
			p.t = t
			p.send(head(tt.header))
			p.opened()
			p.send(client(one(opText, tt.line)))
			if tt.fault == "" {
				p.untilLive()
				return
			}
			p.wantFault(tt.fault)
			p.wantClose(policyViolation)
		})
	}
}

// TestViolations: a client that breaks a rule of WebSocket while it follows is
// told so in a frame and by the close code.
func TestViolations(t *testing.T) {
	r := newRig(t, setup{})
	for _, tt := range []struct {
		name  string
		sent  []byte
		fault event.Code
		close closeCode
	}{
		{"reserved opcode", client(one(5, "")), event.Malformed, protocolError},
		{"binary", client(one(opBinary, "")), event.Malformed, unsupportedData},
		{"not UTF-8", client(first("\xe2"), last("\x41")), event.BadText, invalidPayload},
		{"too long", client(one(opText, strings.Repeat(" ", maxMessage+1))), event.TooLarge, messageTooBig},
		{"pings", bytes.Repeat(client(one(opPing, "")), controlsAtOnce+1), event.TooManyRequests, policyViolation},
		{"a line that is refused", client(one(opText, `{"topics":"board"}`)), event.UnknownField, policyViolation},
		{"lines after it", client(one(opText, `{}{}`), one(opText, "x"), one(opBinary, "")), event.Malformed, policyViolation},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := r.follow("")
			p.t = t
			p.send(tt.sent)
			p.wantFault(tt.fault)
			p.wantClose(tt.close)
			r.wantEnded(t, transport.Refused)
		})
	}
}

// TestPongsBetweenFrames: a client that pings and does not read gets every pong
// once it reads, and none within a frame.
func TestPongsBetweenFrames(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		p := r.follow("")
		for range 20 {
			r.append(20 << 10)
		}
		const pings = 20
		var pinging sync.WaitGroup
		pinging.Go(func() {
			for i := range pings {
				_, _ = p.Write(client(one(opPing, string(rune('a'+i)))))
			}
		})
		synctest.Wait() // the hub is blocked in the middle of a frame
		at := r.append(1)
		pongs := ""
		for whole := false; !whole || len(pongs) < pings; {
			f := p.frame()
			if f.op == opPong {
				pongs += string(f.payload)
			} else if bytes.Contains(f.payload, []byte(at)) {
				whole = true
			}
		}
		if want := "abcdefghijklmnopqrst"; pongs != want {
			t.Errorf("got the pongs %q, want %q", pongs, want)
		}
		pinging.Wait()
		p.leave(t)
	})
}

// leave closes as a client should, and reads the end.
func (p *peer) leave(t *testing.T) {
	t.Helper()
	p.send(client(closeWith(4321, "done")))
	for {
		f := p.frame()
		if f.op != opClose {
			continue
		}
		if code, err := parseClose(f.payload); code != 4321 || err != nil {
			t.Errorf("got close %d, %v, want the client's own code", code, err)
		}
		p.wantEnd()
		return
	}
}

// TestClientLeaves, in all the ways there are: the feed ends at once.
func TestClientLeaves(t *testing.T) {
	for name, leave := range map[string]func(*testing.T, *peer){
		"by a closing handshake": func(t *testing.T, p *peer) { p.leave(t) },
		"by the end of TLS":      func(_ *testing.T, p *peer) { _ = p.CloseWrite() },
		"abruptly":               func(_ *testing.T, p *peer) { _ = p.NetConn().Close() },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				p := r.follow("")
				start := time.Now()
				leave(t, p)
				r.wantEnded(t, transport.ClientGone)
				if took := time.Since(start); took > 0 {
					t.Errorf("the feed ended after %v", took)
				}
			})
		})
	}
}

// TestClientLeavesUnread: a client that takes nothing may close all the same;
// what is being written to it is given up on.
func TestClientLeavesUnread(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		p := r.follow("")
		r.append(100 << 10)
		synctest.Wait()
		start := time.Now()
		p.send(client(one(opClose, "")))
		r.wantEnded(t, transport.ClientGone)
		if took := time.Since(start); took > 0 {
			t.Errorf("the feed ended after %v", took)
		}
		time.Sleep(poll.LastWords - time.Nanosecond)
		synctest.Wait()
		if open := r.server.Stats().Open; open != 1 {
			t.Errorf("%d connections are open before %v have passed", open, poll.LastWords)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if open := r.server.Stats().Open; open != 0 {
			t.Errorf("%d connections are open after %v", open, poll.LastWords)
		}
	})
}

// TestSilentClient: one that does not answer the close frame is waited for a
// second, and not the rest of its life.
func TestSilentClient(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		p := r.follow(`,"token":"brief"`)
		p.wantFault(event.TokenExpired)
		if f := p.frame(); f.op != opClose {
			t.Fatalf("got %v, want the close frame", f)
		}
		start := time.Now()
		p.wantEnd()
		if took := time.Since(start); took != closeWait {
			t.Errorf("closed after %v, want %v", took, closeWait)
		}
		r.wantEnded(t, transport.Expired)
	})
}

// TestClientTakesNoClose: one that takes neither the last frame of the feed nor
// the close frame is waited for a little longer, for it may be slow.
func TestClientTakesNoClose(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.follow(`,"token":"brief"`)
		r.wantEnded(t, transport.Expired)
		time.Sleep(poll.LastWords - time.Nanosecond)
		synctest.Wait()
		if open := r.server.Stats().Open; open != 1 {
			t.Errorf("%d connections are open before %v have passed", open, poll.LastWords)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if open := r.server.Stats().Open; open != 0 {
			t.Errorf("%d connections are open after %v", open, poll.LastWords)
		}
	})
}

// TestStalledClient: it is cut without a word, not even of TLS.
func TestStalledClient(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		p := r.follow("")
		r.append(100 << 10)
		start := time.Now()
		r.wantEnded(t, transport.Stalled)
		synctest.Wait()
		took := time.Since(start)
		if took < transport.DefaultStallTimeout || took > 2*transport.DefaultStallTimeout {
			t.Errorf("the feed ended after %v", took)
		}
		start = time.Now()
		if f, err := readServerFrame(p.r); err == nil {
			t.Errorf("got %v", f)
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("it took %v to close", took)
		}
	})
}

// TestCut: the end of a drain reaches connections with a feed and those that
// have not asked for one yet.
func TestCut(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		following, silent := r.follow(""), r.open()
		start := time.Now()
		r.feed.Cut()
		following.wantEnd()
		silent.wantEnd()
		r.wantEnded(t, transport.ClientGone)
		if took := time.Since(start); took > 0 {
			t.Errorf("it took %v", took)
		}
	})
}

// TestDrain: who follows is told 1001, who has not asked yet is told to ask
// elsewhere, and neither holds the hub up.
func TestDrain(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		following, silent := r.follow(""), r.open()
		start := time.Now()
		r.stop()
		if f := following.frame(); !bytes.HasPrefix(f.payload, []byte(`{"goaway"`)) {
			t.Errorf("got %v, want goaway", f)
		}
		following.wantClose(goingAway)
		r.wantEnded(t, transport.Drained)
		if fault := silent.wantFault(event.ShuttingDown); fault.RetryAfterMS == 0 {
			t.Errorf("%+v does not say when to come back", fault)
		}
		silent.wantClose(policyViolation)
		<-r.done
		if took := time.Since(start); took > r.server.DrainBudget() {
			t.Errorf("the drain took %v, its budget is %v", took, r.server.DrainBudget())
		}
	})
}
