package scenario

import (
	"context"
	"fmt"
	"hash/maphash"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"everything.local/loadtest/check"
	"everything.local/loadtest/feed"
)

// member is one of a crowd: a connection and what it follows.
type member struct {
	crowd  *crowd
	id     int
	wire   feed.Wire
	ask    feed.Ask
	tracks []*track

	// live is closed at the first live frame of a connection, or when it ended
	// before.
	live    chan struct{}
	alive   bool
	stream  atomic.Pointer[feed.Stream]
	ended   chan struct{}
	dropped atomic.Bool
	err     atomic.Pointer[error]
	// held keeps a member from reading; one that is held may lose its feed.
	held atomic.Pointer[hold]
}

// track is what a member follows of one topic.
type track struct {
	topic   string
	course  *check.Course
	watcher *check.Watcher
	// step says which step a frame is, negative for none.
	step func(*feed.Frame) int
	// latency says whether latencies are recorded.
	latency bool
	// position is the last that was committed, seq its number.
	position []byte
	// alike, if not nil, is shared with others that are sent the same; last is
	// the frame of it that came last.
	alike *familiar
	last  *known
	// met, if not nil, is told how long a step took.
	met func(n int, took time.Duration)
}

// topics is what to ask for: each topic from its position on.
func (m *member) topics() string {
	var b strings.Builder
	for i, t := range m.tracks {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(t.topic)
		if len(t.position) > 0 {
			b.WriteByte('@')
			b.Write(t.position)
		}
	}
	return b.String()
}

// open connects and starts the reader.
func (m *member) open(ctx context.Context) error {
	m.ask.Topics = m.topics()
	m.live, m.ended, m.alive = make(chan struct{}), make(chan struct{}), false
	m.dropped.Store(false)
	s, err := m.crowd.dialer.Dial(ctx, m.wire, m.ask)
	if err != nil {
		return err
	}
	m.stream.Store(&s)
	m.crowd.reading.Go(func() {
		defer close(m.ended)
		m.read(s)
	})
	return nil
}

// drop leaves the feed, without waiting for its reader.
func (m *member) drop() {
	m.dropped.Store(true)
	if s := m.stream.Load(); s != nil {
		(*s).Close()
	}
}

// read takes frames until the feed ends.
func (m *member) read(s feed.Stream) {
	defer func() {
		if !m.alive {
			close(m.live)
		}
	}()
	var f feed.Frame
	var came time.Time
	for {
		m.held.Load().wait()
		b, err := s.Next()
		if at := s.Came(); at != came {
			came = at
			m.crowd.reads.Add(1)
		}
		if err == nil && m.again(b, came) {
			continue
		}
		if err == nil {
			err = f.Parse(b)
		}
		if err == nil && f.Error != nil {
			err = fmt.Errorf("the hub ended it: %s", f.Error)
		}
		if err != nil {
			if m.dropped.Load() || m.crowd.closing.Load() {
				return
			}
			err = fmt.Errorf("watcher %d on %s: %w: %w", m.id, m.wire, errLost, err)
			m.err.Store(&err)
			if m.held.Load() == nil {
				m.crowd.fault(err.Error())
			}
			s.Close()
			return
		}
		m.take(&f, b, came)
	}
}

// again takes a frame that others were sent before, and reports whether it was
// one.
func (m *member) again(b []byte, came time.Time) bool {
	for _, t := range m.tracks {
		if t.alike == nil {
			continue
		}
		if k := t.alike.after(t.last, b); k != nil {
			t.last = k
			t.take(m, &k.frame, k.step, k.digest, came)
			return true
		}
	}
	return false
}

var seed = maphash.MakeSeed()

// digest is a value in short; 0 for none.
func digest(value []byte) uint64 {
	if value == nil {
		return 0
	}
	return max(maphash.Bytes(seed, value), 1)
}

// take takes a frame with the bytes b.
func (m *member) take(f *feed.Frame, b []byte, came time.Time) {
	if len(f.Topic) == 0 {
		m.commit(f)
		return
	}
	t := m.track(f.Topic)
	if t == nil {
		m.crowd.fault(fmt.Sprintf("watcher %d on %s was sent the topic %s, for which it did not ask", m.id, m.wire, f.Topic))
		return
	}
	if f.Reset {
		t.watcher.Reset()
		return
	}
	n, value := t.step(f), uint64(0)
	switch {
	case n < 0:
	case t.alike != nil:
		t.last = t.alike.learn(t.last, b, n)
		value = t.last.digest
	default:
		value = digest(f.Value)
	}
	t.take(m, f, n, value, came)
}

// take notes a frame that is step n, or none.
func (t *track) take(m *member, f *feed.Frame, n int, value uint64, came time.Time) {
	if n >= 0 {
		due, fresh, fault := t.watcher.Take(n, f.Seq, value)
		if fault != nil {
			m.crowd.fault(fault.String())
		}
		if fresh {
			t.note(m, n, came.Sub(due))
		}
	}
	if len(f.Cursor) > 0 {
		t.position = append(t.position[:0], f.Cursor...)
	}
}

// note counts a delivery.
func (t *track) note(m *member, n int, took time.Duration) {
	m.crowd.delivered.Add(1)
	if !t.latency {
		return
	}
	m.crowd.latencies.Load().Record(m.id, took)
	if t.met != nil {
		t.met(n, took)
	}
}

// commit takes a frame of the whole subscription.
func (m *member) commit(f *feed.Frame) {
	for _, t := range m.tracks {
		if len(f.Cursor) > 0 && sequence(f.Cursor) >= sequence(t.position) {
			t.position = append(t.position[:0], f.Cursor...)
		}
		if f.Live {
			t.watcher.Live()
		}
	}
	if f.Live && !m.alive {
		m.alive = true
		close(m.live)
	}
}

func (m *member) track(topic []byte) *track {
	for _, t := range m.tracks {
		if t.topic == string(topic) {
			return t
		}
	}
	return nil
}

// sequence is the number of a cursor, 0 for none.
func sequence(cursor []byte) uint64 {
	_, number, _ := strings.Cut(string(cursor), ".")
	n, _ := strconv.ParseUint(number, 10, 64) // a hub that sends another is found by its entries
	return n
}
