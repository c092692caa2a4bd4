package scenario

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"everything.local/loadtest/check"
	"everything.local/loadtest/feed"
	"everything.local/loadtest/meter"
	"everything.local/loadtest/site"
)

// A message to all watchers of a topic is one item's stock on the menu: the
// one thing a hub shows to everybody that can be changed at any rate, of which
// each change is one event and one entry, and which has room for a number. Each
// message is for the next of Keys items, so that a state is superseded only
// after so many; how many are left of it says which message it was.
const (
	// leastValue and mostValue bound a message's value: an item has members
	// that cannot be left out, and a description of so many characters at most.
	leastValue = 180
	mostValue  = 450
	// rounds is how often each item's stock can be changed, for it is at most
	// 10,000.
	rounds = 9999
	// inFlight bounds the commands that wait for an answer. Beyond it the next
	// one waits, and its wait counts as latency.
	inFlight = 2048
)

// menu is the items of a run.
type menu struct {
	run  *Run
	keys int
}

func itemID(k int) string { return fmt.Sprintf("load-%03d", k) }

// openMenu puts the items on the menu, with so many left of each.
func openMenu(ctx context.Context, r *Run, left int) (*menu, error) {
	m := &menu{run: r, keys: r.Keys}
	bare := len(`{"id":"load-000","name":"Load test 000","description":"","category":"Load test","position":900000,"price":{"amount":100,"currency":"EUR"},"available":true,"remaining":1000}`)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(dialers)
	for k := range m.keys {
		group.Go(func() error {
			return r.site.PutItem(ctx, itemID(k), site.Item{
				Name: fmt.Sprintf("Load test %03d", k), Description: strings.Repeat("x", max(r.Bytes-bare, 1)),
				Category: "Load test", Position: 900_000, Price: site.Price{Amount: 100, Currency: "EUR"}, Remaining: &left,
			})
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("put items on the menu, for which --token must be an admin's: %w", err)
	}
	return m, nil
}

// shut takes the items off the menu again.
func (m *menu) shut(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(dialers)
	for k := range m.keys {
		group.Go(func() error { return m.run.site.RetireItem(ctx, itemID(k)) })
	}
	return group.Wait()
}

// key is which of the items a frame is about, negative for none.
func (*menu) key(f *feed.Frame) int {
	number, ok := bytes.CutPrefix(f.Key, []byte("load-"))
	if !ok {
		return -1
	}
	k, err := strconv.Atoi(string(number))
	if err != nil {
		return -1
	}
	return k
}

var remaining = []byte(`"remaining":`)

// step says which message a frame is.
func (m *menu) step(f *feed.Frame) int {
	k, left := m.key(f), count(f.Value)
	if k < 0 || left < 1 {
		return -1
	}
	return (left-1)*m.keys + k
}

// count is how many are left of the item with this value, negative for none.
func count(value []byte) int {
	i := bytes.LastIndex(value, remaining)
	if i < 0 {
		return -1
	}
	n := 0
	for _, c := range value[i+len(remaining):] {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// publish sends count messages and returns when all are answered.
func (m *menu) publish(ctx context.Context, course *check.Course, start time.Time, rate float64, count int) error {
	return m.publishFrom(ctx, course, 0, start, rate, count)
}

// publishFrom is publish with messages that are numbered from a number on.
func (m *menu) publishFrom(ctx context.Context, course *check.Course, from int, start time.Time, rate float64, count int) error {
	var (
		sending sync.WaitGroup
		first   = make(chan error, 1)
		slots   = make(chan struct{}, inFlight)
		before  = make([]chan struct{}, m.keys) // the message before under the same key
	)
	defer sending.Wait()
	err := meter.Pace(ctx, start, rate, count, func(i int, due time.Time) {
		n := from + i
		k := n % m.keys
		wait, done := before[k], make(chan struct{})
		before[k] = done
		slots <- struct{}{}
		sending.Go(func() {
			defer func() { close(done); <-slots }()
			if wait != nil {
				<-wait
			}
			course.Due(n, uint32(k), due)
			err := m.run.site.SetRemaining(ctx, itemID(k), n/m.keys+1)
			if err == nil {
				course.Happened(n)
				return
			}
			if site.Refused(err) {
				course.Refused(n)
			}
			select {
			case first <- fmt.Errorf("message %d: %w", n, err):
			default:
			}
		})
	})
	sending.Wait()
	select {
	case e := <-first:
		return e
	default:
		return err
	}
}

// truth is the menu as somebody who comes now finds it.
func (m *menu) truth(ctx context.Context) (*check.Truth, error) {
	truth := &check.Truth{Entries: map[uint32]check.Entry{}}
	err := m.run.snapshot(ctx, "menu", m.run.Token, func(f *feed.Frame) {
		if k := m.key(f); k >= 0 {
			truth.Entries[uint32(k)] = check.Entry{Seq: f.Seq, Value: digest(f.Value)}
		}
	})
	return truth, err
}

// snapshotWithin bounds how long a cold reader may wait for what there is.
const snapshotWithin = 30 * time.Second

// snapshot reads a topic as it is now, with a cold reader.
func (r *Run) snapshot(ctx context.Context, topic, token string, take func(*feed.Frame)) error {
	ctx, cancel := context.WithTimeout(ctx, snapshotWithin)
	defer cancel()
	s, err := r.dialer.Dial(ctx, feed.NDJSON, feed.Ask{Topics: topic, Token: token})
	if err != nil {
		return err
	}
	defer s.Close()
	stop := context.AfterFunc(ctx, s.Close)
	defer stop()
	for {
		var f feed.Frame
		b, err := s.Next()
		if err == nil {
			err = f.Parse(b)
		}
		if err != nil {
			return fmt.Errorf("the snapshot of %s: %w", topic, err)
		}
		if f.Live {
			return nil
		}
		if len(f.Key) > 0 && f.Value != nil {
			take(&f)
		}
	}
}
