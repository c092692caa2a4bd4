package client

import (
	"errors"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"everything.local/event"
)

type followed struct {
	stream *Stream
	err    error
}

// follow opens a feed in the background.
func follow(t *testing.T, c *Client) <-chan followed {
	t.Helper()
	done := make(chan followed, 1)
	go func() {
		s, err := c.Follow(t.Context(), Request{Topics: []string{"board"}})
		done <- followed{s, err}
	}()
	return done
}

// TestRaceTakesTheBestThatWorks holds the order and the head start of wires.
func TestRaceTakesTheBestThatWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, opened := scripted(t, Config{})
		done, began := follow(t, c), time.Now()
		wt := <-opened
		ws := <-opened
		if wt.wire != WT || ws.wire != WS || time.Since(began) != headStart {
			t.Fatalf("%s, then %s after %v", wt.wire, ws.wire, time.Since(began))
		}
		wt.accept(liveAt("e.1"))
		got := <-done
		if got.err != nil || got.stream.Wire() != WT {
			t.Fatalf("%+v", got)
		}
		select {
		case <-ws.left:
		default:
			t.Error("the loser goes on")
		}
		if f, err := got.stream.Next(); err != nil || !f.Live {
			t.Errorf("%+v, %v", f, err)
		}
		got.stream.Close()
	})
}

// TestRaceTrustsWhatHasWorked holds that a wire which works is not lost to a
// lesser one because it comes back later.
func TestRaceTrustsWhatHasWorked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, opened := scripted(t, Config{})
		done := follow(t, c)
		(<-opened).accept(liveAt("e.1"))
		(<-done).stream.Close()
		done, began := follow(t, c), time.Now()
		wt := <-opened
		ws := <-opened
		if wt.wire != WT || ws.wire != WS || time.Since(began) != provenStart {
			t.Errorf("%s, then %s after %v", wt.wire, ws.wire, time.Since(began))
		}
		ws.accept(liveAt("e.1"))
		(<-done).stream.Close()
		done, began = follow(t, c), time.Now()
		<-opened
		<-opened
		if time.Since(began) != headStart {
			t.Errorf("the next came after %v", time.Since(began))
		}
		(<-opened).accept(liveAt("e.1"))
		if time.Since(began) != headStart+provenStart {
			t.Errorf("the last came after %v", time.Since(began))
		}
		(<-done).stream.Close()
	})
}

// TestRaceForgets holds that what won once is not trusted for ever, nor while it
// is in doubt.
func TestRaceForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, opened := scripted(t, Config{})
		lead := func(ask subscription) time.Duration {
			began := time.Now()
			done := make(chan *Stream, 1)
			go func() {
				s, err := c.race(t.Context(), ask)
				if err != nil {
					t.Error(err)
				}
				done <- s
			}()
			first := <-opened
			second := <-opened
			took := time.Since(began)
			first.accept(liveAt("e.1"))
			(<-done).Close()
			<-second.left
			return took
		}
		ask := subscription{within: openWithin}
		for _, step := range []struct {
			after time.Duration
			hurry bool
			want  time.Duration
		}{{0, false, headStart}, {0, false, provenStart}, {0, true, headStart}, {provenFor, false, headStart}} {
			<-time.After(step.after)
			ask.hurry = step.hurry
			if took := lead(ask); took != step.want {
				t.Errorf("%+v: the next came after %v", step, took)
			}
		}
	})
}

// TestRaceDoesNotWaitForAHub holds how long a hub that is down takes to fail on
// a machine that says so.
func TestRaceDoesNotWaitForAHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, opened := scripted(t, Config{})
		done, began := follow(t, c), time.Now()
		<-opened // no answer ever
		(<-opened).refuse(syscall.ECONNREFUSED)
		(<-opened).refuse(syscall.ECONNREFUSED)
		if got := <-done; !errors.Is(got.err, syscall.ECONNREFUSED) || time.Since(began) != headStart+refusedChance {
			t.Errorf("%v after %v", got.err, time.Since(began))
		}
	})
}

// TestRaceGoesOnAtOnce holds that nobody waits for what has failed.
func TestRaceGoesOnAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, opened := scripted(t, Config{})
		done, began := follow(t, c), time.Now()
		(<-opened).refuse(errRefusedByNobody)
		(<-opened).refuse(&Error{Status: 404, Code: event.NotFound})
		last := <-opened
		if last.wire != NDJSON || time.Since(began) != 0 {
			t.Fatalf("%s after %v", last.wire, time.Since(began))
		}
		last.accept(liveAt("e.1"))
		got := <-done
		if got.err != nil || got.stream.Wire() != NDJSON {
			t.Fatalf("%+v", got)
		}
		got.stream.Close()
	})
}

// TestRaceDoesNotWaitForUDP holds how long a hub that is down takes to fail
// where only TCP says so.
func TestRaceDoesNotWaitForUDP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, opened := scripted(t, Config{})
		done, began := follow(t, c), time.Now()
		<-opened // no answer ever
		(<-opened).refuse(errRefusedByNobody)
		(<-opened).refuse(errRefusedByNobody)
		got := <-done
		if !errors.Is(got.err, errRefusedByNobody) || time.Since(began) != headStart+lastChance {
			t.Errorf("%v after %v", got.err, time.Since(began))
		}
	})
}

// TestRaceIsOverWithARefusal holds that who may not is told so once.
func TestRaceIsOverWithARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, opened := scripted(t, Config{})
		done := follow(t, c)
		(<-opened).accept(`{"error":{"code":"forbidden","detail":"no","field":"topics","retry_after_ms":1500}}`)
		got := <-done
		e, ok := errors.AsType[*Error](got.err)
		if !ok || *e != (Error{Code: event.Forbidden, Detail: "no", Field: "topics", RetryAfter: 1500 * time.Millisecond}) {
			t.Errorf("%#v", got.err)
		}
		if event.CodeOf(got.err) != event.Forbidden || !errors.Is(got.err, event.Errorf(event.Forbidden, "")) {
			t.Error("it is not the hub's error any more")
		}
	})
}

// TestOpeningTakesNotForEver holds that a hub which says nothing is given up.
func TestOpeningTakesNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, opened := scripted(t, Config{Wire: SSE})
		done, began := follow(t, c), time.Now()
		(<-opened).accept()
		if got := <-done; !errors.Is(got.err, errOpening) || time.Since(began) != openWithin {
			t.Errorf("%v after %v", got.err, time.Since(began))
		}
	})
}
