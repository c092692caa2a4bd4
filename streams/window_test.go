package streams

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"everything.local/event"

	"github.com/nats-io/nats.go"
)

// quiet is a stream that is sent to and answers when the test says so.
type quiet struct {
	mu  sync.Mutex
	got []*nats.Msg
}

func (q *quiet) send(m *nats.Msg) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	c := *m
	q.got = append(q.got, &c)
	return nil
}

// subjects are what has arrived, in order.
func (q *quiet) subjects() (s []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.got {
		s = append(s, m.Subject)
	}
	return s
}

// answer answers the i-th message that arrived.
func (q *quiet) answer(w *window, i int) {
	q.mu.Lock()
	m := q.got[i]
	q.mu.Unlock()
	w.answered(&nats.Msg{Subject: m.Reply, Data: fmt.Appendf(nil, `{"stream":"LOG","seq":%d}`, i+1)})
}

// doOne sends one message through the window and notes how it ended.
func doOne(ctx context.Context, w *window, name int, ended *sync.Map) {
	seq, err := w.do(ctx, []*nats.Msg{nats.NewMsg(fmt.Sprint(name))})
	if err != nil {
		ended.Store(name, err)
		return
	}
	ended.Store(name, seq)
}

// isErr reports whether an append ended with the error.
func isErr(ended any, target error) bool {
	err, ok := ended.(error)
	return ok && errors.Is(err, target)
}

// TestWindow holds that appends leave in the order they come, no more than the
// window at a time, and are answered each with its own answer, in any order.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const appends = 3 * appendWindow
		var q quiet
		w := newWindow(q.send)
		defer w.close()
		var ended sync.Map
		var want []string
		for i := range appends {
			want = append(want, fmt.Sprint(i))
			go doOne(t.Context(), w, i, &ended)
			synctest.Wait()
		}
		if got := q.subjects(); !slices.Equal(got, want[:appendWindow]) {
			t.Fatalf("on their way are %v", got)
		}
		if sent, waiting := w.load(); sent != appendWindow || waiting != appends-appendWindow {
			t.Errorf("%d sent, %d wait", sent, waiting)
		}
		for i := 0; i < appends; i += 2 { // the later one of two first
			q.answer(w, i+1)
			q.answer(w, i)
			q.answer(w, i) // a second answer is nobody's
		}
		synctest.Wait()
		if got := q.subjects(); !slices.Equal(got, want) {
			t.Errorf("sent were %v", got)
		}
		for i := range appends {
			if got, _ := ended.Load(i); got != uint64(i+1) {
				t.Errorf("append %d ended with %v", i, got)
			}
		}
		if sent, waiting := w.load(); sent != 0 || waiting != 0 {
			t.Errorf("left are %d sent, %d waiting", sent, waiting)
		}
	})
}

// TestWindowCallersLeave holds that a caller whose time is up is answered at
// once, that its append is never sent if it waited, and that it keeps the
// stream busy until answered or overdue if it was sent.
func TestWindowCallersLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q quiet
		w := newWindow(q.send)
		defer w.close()
		var ended sync.Map
		sent, leaveSent := context.WithCancel(t.Context())
		waiting, leaveWaiting := context.WithCancel(t.Context())
		for i := range appendWindow {
			go doOne(sent, w, i, &ended)
		}
		synctest.Wait()
		go doOne(waiting, w, 1000, &ended)
		synctest.Wait()
		go doOne(t.Context(), w, 1001, &ended)
		synctest.Wait()
		began := time.Now()
		leaveSent()
		leaveWaiting()
		synctest.Wait()
		for _, i := range []int{0, appendWindow - 1, 1000} {
			if err, _ := ended.Load(i); !isErr(err, context.Canceled) {
				t.Errorf("append %d ended with %v", i, err)
			}
		}
		if n := len(q.subjects()); n != appendWindow {
			t.Errorf("%d were sent", n)
		}
		for len(q.subjects()) == appendWindow {
			time.Sleep(time.Millisecond) // of the bubble's clock
		}
		if took := time.Since(began).Round(10 * time.Millisecond); took != answerTimeout {
			t.Errorf("the next one was sent after %v", took)
		}
		time.Sleep(answerTimeout)
		synctest.Wait()
		if err, _ := ended.Load(1001); !isErr(err, nats.ErrTimeout) {
			t.Errorf("an append without an answer ended with %v", err)
		}
		if slices.Contains(q.subjects(), "1000") {
			t.Error("an append was sent whose caller had left before")
		}
	})
}

// TestWindowWaitingIsNotOverdue holds that the time an answer may take begins
// when an append is sent: a slow disk must not make the hub send again what
// only waits.
func TestWindowWaitingIsNotOverdue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const fsync = 30 * time.Millisecond // an SD card
		const appends = 8 * appendWindow
		var q quiet
		w := newWindow(q.send)
		defer w.close()
		var ended sync.Map
		for i := range appends {
			go doOne(t.Context(), w, i, &ended)
		}
		synctest.Wait()
		for i := range appends {
			time.Sleep(fsync)
			q.answer(w, i)
			synctest.Wait()
		}
		ended.Range(func(i, got any) bool {
			if _, ok := got.(uint64); !ok {
				t.Errorf("append %v ended with %v", i, got)
			}
			return true
		})
		if n := len(q.subjects()); n != appends {
			t.Errorf("%d messages for %d appends", n, appends)
		}
	})
}

// TestWindowEnds holds that nobody is left behind when the stream is opened
// anew, or the node closed.
func TestWindowEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q quiet
		w := newWindow(q.send)
		var ended sync.Map
		for i := range appendWindow + 2 {
			go doOne(t.Context(), w, i, &ended)
			synctest.Wait()
		}
		w.renew()
		synctest.Wait()
		if err, _ := ended.Load(0); !isErr(err, nats.ErrTimeout) {
			t.Errorf("sent to a stream that is gone: %v", err)
		}
		if sent, waiting := w.load(); sent != 2 || waiting != 0 {
			t.Errorf("then %d are sent, %d wait", sent, waiting)
		}
		for i := range appendWindow {
			go doOne(t.Context(), w, 1000+i, &ended)
		}
		synctest.Wait()
		w.close()
		doOne(t.Context(), w, 2000, &ended)
		synctest.Wait()
		for _, i := range []int{appendWindow, 1000, 1000 + appendWindow - 1, 2000} {
			if err, _ := ended.Load(i); !isErr(err, nats.ErrConnectionClosed) {
				t.Errorf("append %d of a closed node ended with %v", i, err)
			}
		}
	})
}

func TestWindowCannotSend(t *testing.T) {
	broken := errors.New("broken")
	w := newWindow(func(*nats.Msg) error { return broken })
	defer w.close()
	if _, err := w.do(t.Context(), []*nats.Msg{nats.NewMsg("a")}); !errors.Is(err, broken) {
		t.Error(err)
	}
	if sent, waiting := w.load(); sent+waiting != 0 {
		t.Error("what could not be sent stays in the window")
	}
}

func TestAck(t *testing.T) {
	for _, tc := range []struct {
		name, data string
		seq        uint64
		err        string
	}{
		{"stored", `{"stream":"LOG","seq":7}`, 7, ""},
		{"refused", `{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 3"},"stream":"LOG","seq":0}`, 0, "wrong last sequence"},
		{"another stream", `{"stream":"PROBE","seq":7}`, 0, "in the place of"},
		{"no JSON", `-ERR`, 0, "answer of LOG"},
	} {
		seq, err := ack(&nats.Msg{Data: []byte(tc.data)})
		if seq != tc.seq || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: %d, %v", tc.name, seq, err)
		}
	}
	if _, err := ack(&nats.Msg{Header: nats.Header{"Status": {"503"}}}); !isErr(err, nats.ErrNoResponders) || !passing(err) {
		t.Errorf("no stream: %v", err)
	}
}

// TestConcurrentAppends lets more callers append than the window holds, half
// of which leave early, and holds that what was answered is stored once, that
// what is stored once more when retried is answered as what it is, and that
// the log has no other events.
func TestConcurrentAppends(t *testing.T) {
	const callers, each = 3 * appendWindow, 4
	n := openNode(t, testConfig(t.TempDir()))
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for j := range each {
				id := event.NewID()
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if i%2 == 0 {
					ctx, cancel = context.WithTimeout(ctx, time.Duration(i*j)*100*time.Microsecond)
				}
				w := orderPlaced(id, "", "")
				w.Event.Personal = nil
				first, err := n.Log().Append(ctx, event.Command{ID: id}, w)
				cancel()
				if err != nil && !errors.Is(err, event.ErrUnavailable) {
					t.Errorf("append: %v", err)
				}
				again, e := n.Log().Append(t.Context(), event.Command{ID: id}, w)
				if e != nil || err == nil && (again.Seq != first.Seq || !again.Duplicate) {
					t.Errorf("first %+v, %v; then %+v, %v", first, err, again, e)
				}
				events, e := n.Log().Read(t.Context(), w.Subject)
				if e != nil || len(events) != 1 || events[0].Seq != again.Seq {
					t.Errorf("read %v, %v", events, e)
				}
			}
		})
	}
	wg.Wait()
	if head, err := n.Log().Head(t.Context()); err != nil || head != callers*each {
		t.Errorf("the log is at %d, %v; %d commands were given", head, err, callers*each)
	}
}
