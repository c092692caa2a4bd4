package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"

	"everything.local/event"
)

// watching is a watch in the background of a test.
type watching struct {
	t      *testing.T
	opened <-chan *opening
	frames []string
	states []string
	// statuses are the states as they were told.
	statuses []Status
	done     chan error
}

// watch watches board and menu attentively.
func watch(t *testing.T, c Config) *watching {
	t.Helper()
	c.Wire = NDJSON
	cl, opened := scripted(t, c)
	w := &watching{t: t, opened: opened, done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() {
		cancel()
		synctest.Wait()
	})
	go func() {
		for u, err := range cl.Watch(ctx, Request{Topics: []string{"board", "menu"}, Pace: Attentive}) {
			if err != nil {
				w.done <- err
				return
			}
			if s := u.Status; s != nil {
				w.statuses = append(w.statuses, *s)
				w.states = append(w.states, fmt.Sprint(s.State, " ", strings.TrimPrefix(s.URL, "https://"), " ", s.Err))
				continue
			}
			w.frames = append(w.frames, string(u.Raw))
			if u.Key == "stop" {
				break
			}
		}
		w.done <- nil
	}()
	return w
}

// open waits for the next connection, which is to resume at positions.
func (w *watching) open(positions string) *opening {
	w.t.Helper()
	o := <-w.opened
	if o.ask.Topics != positions {
		w.t.Errorf("resumed at %s, want %s", o.ask.Topics, positions)
	}
	return o
}

func (w *watching) state() string {
	synctest.Wait()
	return w.states[len(w.states)-1]
}

// TestWatchResumes holds that a loss costs no frame and brings none twice.
func TestWatchResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, Config{})
		f := w.open("board,menu").accept(`{"topic":"board","reset":true}`, liveAt("e.4"), `{"topic":"board","key":"a","seq":5,"value":1,"cursor":"e.5"}`, `{"topic":"menu","key":"x","seq":5,"value":1}`)
		synctest.Wait()
		f.end <- io.ErrUnexpectedEOF
		if got := w.state(); got != "waiting hub.example:8443 unexpected EOF" {
			t.Error(got)
		}
		lost := time.Now()
		o := w.open("board@e.5,menu@e.4")
		if waited := time.Since(lost); waited >= firstWait {
			t.Errorf("waited %v", waited)
		}
		o.accept(`{"topic":"menu","key":"x","seq":5,"value":1}`, `{"topic":"menu","key":"y","seq":6,"value":1}`, liveAt("e.6"))
		if got := w.state(); got != "live hub.example:8443 <nil>" {
			t.Error(got)
		}
		if n := strings.Count(strings.Join(w.frames, "\n"), `"menu","key":"x"`); n != 1 || len(w.frames) != 6 {
			t.Errorf("%d times in %d frames", n, len(w.frames))
		}
	})
}

// TestWatchNoticesSilence holds that two and a half paces are a loss.
func TestWatchNoticesSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, Config{})
		f := w.open("board,menu").accept(liveAt("e.4"))
		synctest.Wait()
		<-time.After(2400 * time.Millisecond)
		f.send(`{"ping":true,"cursor":"e.4"}`)
		<-time.After(2400 * time.Millisecond)
		if f.gone() {
			t.Fatal("left too early")
		}
		<-time.After(101 * time.Millisecond)
		if got := w.state(); got != "waiting hub.example:8443 "+errSilent.Error() || !f.gone() {
			t.Error(got)
		}
		w.open("board@e.4,menu@e.4").accept(liveAt("e.4"))
	})
}

// TestWatchBacksOff holds that waits grow to a second where a person looks on, and that a feed that
// was live for long is tried again soon.
func TestWatchBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, Config{})
		for i := range 12 {
			lost := time.Now()
			w.open("board,menu").refuse(errRefusedByNobody)
			if waited, most := time.Since(lost), min(attentiveWait, firstWait<<max(0, i-1)); waited >= most {
				t.Errorf("waited %v at try %d", waited, i)
			}
		}
		f := w.open("board,menu").accept(liveAt("e.4"))
		for range 11 {
			<-time.After(time.Second)
			f.send(`{"ping":true,"cursor":"e.4"}`)
		}
		synctest.Wait()
		f.end <- io.EOF
		lost := time.Now()
		w.open("board@e.4,menu@e.4").refuse(&Error{Code: event.TooManyRequests, RetryAfter: 7 * time.Second})
		if waited := time.Since(lost); waited >= firstWait {
			t.Errorf("waited %v after a good time", waited)
		}
		w.open("board@e.4,menu@e.4").refuse(errRefusedByNobody)
		if waited := time.Since(lost); waited < 7*time.Second {
			t.Errorf("waited %v although asked for 7 s", waited)
		}
	})
}

// TestWatchEnds holds what no other try would change.
func TestWatchEnds(t *testing.T) {
	for name, end := range map[string]error{
		"forbidden":     &Error{Status: 403, Code: event.Forbidden},
		"unknown topic": &Error{Status: 404, Code: event.UnknownTopic},
		"expired":       &Error{Code: event.TokenExpired},
		"untrusted":     &tls.CertificateVerificationError{Err: errors.New("unknown authority")},
		"bad cursor":    &Error{Status: 400, Code: event.BadCursor},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watch(t, Config{Token: StaticToken("secret")})
				w.open("board,menu").refuse(end)
				if err := <-w.done; !errors.Is(err, end) {
					t.Errorf("%v", err)
				}
			})
		})
	}
	t.Run("frame", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := watch(t, Config{})
			w.open("board,menu").accept(`{"topic":"board","key":"stop","seq":1,"value":1}`)
			if err := <-w.done; err != nil {
				t.Errorf("%v", err)
			}
		})
	})
	t.Run("topics", func(t *testing.T) {
		c, _ := scripted(t, Config{})
		for _, err := range c.Watch(t.Context(), Request{}) {
			if event.CodeOf(err) != event.Invalid {
				t.Errorf("%v", err)
			}
		}
	})
}

// TestWatchRenewsItsToken holds that a watch outlives a token.
func TestWatchRenewsItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		token := "first"
		w := watch(t, Config{Token: func(context.Context) (string, error) { return token, nil }})
		f := w.open("board,menu").accept(liveAt("e.4"))
		synctest.Wait()
		token = "second"
		f.send(`{"error":{"code":"token_expired","detail":"sign in again"}}`)
		o := w.open("board@e.4,menu@e.4")
		if o.ask.Token != "second" {
			t.Errorf("came back with %s", o.ask.Token)
		}
		o.accept(`{"error":{"code":"token_expired","detail":"sign in again"}}`)
		if err := <-w.done; event.CodeOf(err) != event.TokenExpired {
			t.Errorf("%v", err)
		}
	})
}

// TestWatchForgetsABadCursor holds that a position no hub takes is dropped.
func TestWatchForgetsABadCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, Config{})
		f := w.open("board,menu").accept(liveAt("e.4"))
		synctest.Wait()
		f.end <- io.EOF
		w.open("board@e.4,menu@e.4").refuse(&Error{Code: event.BadCursor})
		w.open("board,menu").accept(liveAt("e.4"))
		synctest.Wait()
	})
}

// TestWatchGoesAlong holds goaway: the next hub is live before this one is left,
// and what both bring comes once.
func TestWatchGoesAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, Config{})
		old := w.open("board,menu").accept(liveAt("e.4"), `{"goaway":{"within_ms":4000,"to":["nonsense","https://pi-2:8443/"]}}`)
		o := w.open("board@e.4,menu@e.4")
		if o.ask.base != "https://pi-2:8443" {
			t.Errorf("went to %s", o.ask.base)
		}
		both := `{"topic":"board","key":"a","seq":5,"value":1,"cursor":"e.5"}`
		old.send(both)
		next := o.accept(both)
		synctest.Wait()
		if old.gone() {
			t.Error("left before the next was live")
		}
		next.send(liveAt("e.5"))
		if got := w.state(); got != "live pi-2:8443 <nil>" || !old.gone() {
			t.Error(got)
		}
		if n := strings.Count(strings.Join(w.frames, "\n"), `"key":"a"`); n != 1 {
			t.Errorf("came %d times", n)
		}
		next.end <- io.EOF
		if o := w.open("board@e.5,menu@e.5"); o.ask.base != "https://hub.example:8443" {
			t.Errorf("came back to %s", o.ask.base)
		}
	})
}

// TestWatchGoesAlongLate holds that a hub may end before the next is live, and
// that a next one that fails changes nothing.
func TestWatchGoesAlongLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, Config{})
		goaway := `{"goaway":{"within_ms":4000,"to":["https://pi-2:8443"]}}`
		old := w.open("board,menu").accept(liveAt("e.4"), goaway)
		w.open("board@e.4,menu@e.4").refuse(errRefusedByNobody)
		synctest.Wait()
		if old.gone() {
			t.Error("left for nothing")
		}
		old.send(goaway)
		o := w.open("board@e.4,menu@e.4")
		old.end <- io.EOF
		synctest.Wait()
		o.accept(liveAt("e.4"))
		if got := w.state(); got != "live pi-2:8443 <nil>" {
			t.Error(got)
		}
	})
}

// TestWatchNextHub holds that the next hub of the list is tried where one is
// lost, and stayed with.
func TestWatchNextHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, Config{Hubs: []string{"https://pi-1:8443", "https://pi-2:8443"}})
		w.open("board,menu").refuse(errRefusedByNobody)
		o := w.open("board,menu")
		if o.ask.base != "https://pi-2:8443" || o.ask.within != openBefore {
			t.Errorf("%+v", o.ask)
		}
		f := o.accept(liveAt("e.4"))
		if got := w.state(); got != "live pi-2:8443 <nil>" {
			t.Error(got)
		}
		f.end <- io.ErrUnexpectedEOF
		if o = w.open("board@e.4,menu@e.4"); o.ask.base != "https://pi-1:8443" {
			t.Errorf("came back to %s", o.ask.base)
		}
		o.refuse(errRefusedByNobody)
		if o = w.open("board@e.4,menu@e.4"); o.ask.base != "https://pi-2:8443" {
			t.Errorf("then to %s", o.ask.base)
		}
	})
}

// roaming opens the watch's first feed, as one that can move and is live.
func roams(w *watching) *script {
	o := w.open("board,menu")
	s := &script{left: o.left, frames: make(chan string, 16), end: make(chan error, 1), closed: make(chan struct{})}
	s.keeper = newRoamer(&town{}, netip.Addr{}, &town{}, wifi, Attentive)
	o.feed <- s
	s.send(liveAt("e.4"))
	synctest.Wait()
	return s
}

// TestWatchInDoubt holds that a connection in doubt gets another one beside it,
// which is left again if there was no need, and takes over if there was.
func TestWatchInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, Config{})
		f := roams(w)
		f.keeper.signals <- signal{kind: doubted, from: wifi}
		o := w.open("board@e.4,menu@e.4")
		if !o.ask.hurry {
			t.Error("it is in no hurry")
		}
		second := o.accept()
		f.send(`{"ping":true,"cursor":"e.5"}`)
		synctest.Wait()
		if !second.gone() || f.gone() {
			t.Error("the wrong one was left")
		}
		f.keeper.signals <- signal{kind: doubted, from: wifi}
		third := w.open("board@e.5,menu@e.5").accept(liveAt("e.5"))
		if got := w.state(); got != "live hub.example:8443 <nil>" || !f.gone() || third.gone() {
			t.Error(got)
		}
	})
}

// TestWatchAfterARestart holds that a hub which says that it does not know the
// connection is dialled anew, although another connection is on its way: that
// may wait for the answer to a packet of before.
func TestWatchAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, Config{})
		f := roams(w)
		f.keeper.signals <- signal{kind: doubted, from: wifi}
		waits := w.open("board@e.4,menu@e.4")
		f.end <- &quic.StatelessResetError{}
		began := time.Now()
		w.open("board@e.4,menu@e.4").accept(liveAt("e.4"))
		if time.Since(began) != 0 {
			t.Errorf("after %v", time.Since(began))
		}
		<-waits.left
	})
}

// TestWatchTellsMoves holds that a move is told once, and is no new connection.
func TestWatchTellsMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, Config{})
		f := roams(w)
		f.keeper.signals <- signal{kind: moved, from: wifi, to: cell}
		synctest.Wait()
		last := w.statuses[len(w.statuses)-1]
		if last.State != Live || last.Moved == nil || *last.Moved != wifi || last.Path != cell || last.Connection != 1 {
			t.Errorf("%+v", last)
		}
		f.send(`{"stale":{"since":"2026-11-22T08:00:00.000Z","why":"no_quorum"}}`)
		synctest.Wait()
		if last = w.statuses[len(w.statuses)-1]; last.State != Stale || last.Moved != nil || last.Path != cell {
			t.Errorf("%+v", last)
		}
	})
}

// TestWatchTellsStale holds that stale is told once, until it is live again.
func TestWatchTellsStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, Config{})
		stale := `{"stale":{"since":"2026-11-22T08:00:00.000Z","why":"no_quorum"}}`
		f := w.open("board,menu").accept(liveAt("e.4"), stale, `{"ping":true,"cursor":"e.4"}`, stale)
		if got := w.state(); got != "stale hub.example:8443 <nil>" || len(w.states) != 3 {
			t.Errorf("%q", w.states)
		}
		f.send(liveAt("e.4"))
		if got := w.state(); got != "live hub.example:8443 <nil>" {
			t.Error(got)
		}
	})
}

// TestWatchIsBackAtOnce holds that a hub which says that it was restarted is
// come back to at once, however often it was lost before.
func TestWatchIsBackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, Config{})
		o := w.open("board,menu")
		for range 8 {
			o.refuse(errRefusedByNobody)
			o = w.open("board,menu")
		}
		f := o.accept(liveAt("e.4"))
		synctest.Wait()
		for range 8 {
			lost := time.Now()
			f.end <- &quic.StatelessResetError{}
			f = w.open("board@e.4,menu@e.4").accept(liveAt("e.4"))
			if waited := time.Since(lost); waited >= backAgain {
				t.Errorf("waited %v", waited)
			}
		}
	})
}
