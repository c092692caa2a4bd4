package streams

import (
	"container/list"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// appendWindow is how many appends are on their way to the stream at a time;
// the next ones wait their turn. A node alone stores one after the other, each
// with an fsync, so a few keep it busy; replicas sync together what is there
// together, and gain up to some tens. On an SD card that takes 30 ms for an
// fsync the last of 64 has its answer after two seconds, within answerTimeout.
// With many more each would be taken for lost and sent again behind the others.
const appendWindow = 64

// window is the way of appends to the stream. They leave in the order they
// came, without waiting for the answers of those before, and nobody's leaving
// changes what becomes of the others.
type window struct {
	// send gives a message to the connection, which writes it soon.
	send func(*nats.Msg) error
	// inbox is what the subjects begin with that answers come to.
	inbox string

	mu      sync.Mutex
	last    uint64              // number of the append sent last
	sent    map[uint64]*sending // until answered or overdue, also if nobody waits
	waiting *list.List          // of *sending
	overdue *time.Timer         // runs while armed; see expire
	armed   bool
	closed  bool
}

// sending is one append's way through the window.
type sending struct {
	msgs   []*nats.Msg
	at     time.Time     // when it was sent
	place  *list.Element // in waiting, nil once sent
	answer chan sendAnswer
}

type sendAnswer struct {
	seq uint64
	err error
}

func newWindow(send func(*nats.Msg) error) *window {
	w := &window{send: send, inbox: nats.NewInbox() + ".", sent: make(map[uint64]*sending), waiting: list.New()}
	w.overdue = time.AfterFunc(answerTimeout, w.expire)
	w.overdue.Stop()
	return w
}

// do sends messages, the last of which is answered, and returns the sequence
// in the answer. When ctx ends it returns at once: messages that were waiting
// are then never sent, and what becomes of others is not known. It is
// nats.ErrTimeout when there was no answer within answerTimeout of sending.
func (w *window) do(ctx context.Context, msgs []*nats.Msg) (uint64, error) {
	s := &sending{msgs: msgs, answer: make(chan sendAnswer, 1)}
	w.enter(s)
	select {
	case a := <-s.answer:
		return a.seq, a.err
	case <-ctx.Done():
		w.leave(s)
		return 0, ctx.Err()
	}
}

func (w *window) enter(s *sending) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		s.answer <- sendAnswer{err: nats.ErrConnectionClosed}
	case len(w.sent) < appendWindow:
		w.transmit(s)
	default:
		s.place = w.waiting.PushBack(s)
	}
}

// leave is for a caller that has stopped waiting. What is sent keeps its place
// in the window, since it keeps the stream busy.
func (w *window) leave(s *sending) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.place != nil {
		w.waiting.Remove(s.place)
	}
}

// transmit sends s. It is called with mu held, so that a batch stays together.
func (w *window) transmit(s *sending) {
	w.last++
	s.msgs[len(s.msgs)-1].Reply = w.inbox + strconv.FormatUint(w.last, 10)
	for _, m := range s.msgs {
		if err := w.send(m); err != nil {
			s.answer <- sendAnswer{err: err}
			return
		}
	}
	s.at = time.Now()
	w.sent[w.last] = s
	if !w.armed {
		w.armed = true
		w.overdue.Reset(answerTimeout)
	}
}

// advance sends those that wait, as far as there is room.
func (w *window) advance() {
	for len(w.sent) < appendWindow && w.waiting.Len() > 0 {
		s := w.waiting.Remove(w.waiting.Front()).(*sending)
		s.place = nil
		w.transmit(s)
	}
}

// answered takes an answer of the stream.
func (w *window) answered(m *nats.Msg) {
	number, err := strconv.ParseUint(strings.TrimPrefix(m.Subject, w.inbox), 10, 64)
	if err != nil {
		return
	}
	seq, err := ack(m)
	w.mu.Lock()
	defer w.mu.Unlock()
	if s, ok := w.sent[number]; ok {
		delete(w.sent, number)
		s.answer <- sendAnswer{seq, err}
		w.advance()
	}
}

// expire gives up what has had no answer for too long, and looks again when
// the oldest of the others will be.
func (w *window) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = false
	next := answerTimeout
	for number, s := range w.sent {
		left := answerTimeout - time.Since(s.at)
		if left <= 0 {
			delete(w.sent, number)
			s.answer <- sendAnswer{err: nats.ErrTimeout}
			continue
		}
		next = min(next, left)
	}
	if len(w.sent) > 0 && !w.closed {
		w.armed = true
		w.overdue.Reset(next)
	}
	w.advance()
}

// renew gives up what is sent, because the stream it was sent to is gone.
func (w *window) renew() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drop(nats.ErrTimeout)
	w.advance()
}

// close gives up everything for good.
func (w *window) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.overdue.Stop()
	w.drop(nats.ErrConnectionClosed)
	for e := w.waiting.Front(); e != nil; e = e.Next() {
		s := e.Value.(*sending)
		s.place = nil
		s.answer <- sendAnswer{err: nats.ErrConnectionClosed}
	}
	w.waiting.Init()
}

func (w *window) drop(err error) {
	for _, s := range w.sent {
		s.answer <- sendAnswer{err: err}
	}
	clear(w.sent)
}

// load returns how many appends are on their way and how many wait.
func (w *window) load() (sent, waiting int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.sent), w.waiting.Len()
}

// ack reads a stream's answer to a message. It fails with nats.ErrNoResponders
// when no stream has heard it, and as the stream says when it was refused.
func ack(m *nats.Msg) (uint64, error) {
	if len(m.Data) == 0 && m.Header.Get("Status") == "503" {
		return 0, nats.ErrNoResponders
	}
	var a struct {
		Stream string              `json:"stream"`
		Seq    uint64              `json:"seq"`
		Error  *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return 0, fmt.Errorf("streams: answer of %s: %w", logStream, err)
	}
	if a.Error != nil {
		return 0, a.Error
	}
	if a.Stream != logStream {
		return 0, fmt.Errorf("streams: %q answered in the place of %s", a.Stream, logStream)
	}
	return a.Seq, nil
}
