package scenario

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"everything.local/loadtest/check"
	"everything.local/loadtest/feed"
	"everything.local/loadtest/meter"
	"everything.local/loadtest/site"
)

// More messages a second than a hub can take commands come of orders of several
// items: each takes one off the stock of so many, and all of them are shown on
// the menu anew. It is one event and one write to the disk. There are as few
// messages to an order as keep commands at commandRate, a hundredth of a
// second apart: that is less than a hub needs to write to a thousand watchers,
// so that what comes together is no help to it.
const (
	commandRate = 105
	// perOrder is how many lines an order has at most.
	perOrder = 20
	// stock is how many of each item there are to begin with, the most a menu
	// can show.
	stock = 10_000
	// mostOpen is how many orders are left open at most: a hub takes 10,000.
	mostOpen = 9_000
)

// bulk publishes by orders. Item k is in group k/perOrder; an order takes one
// of each of the first items of a group, and the groups take turns.
type bulk struct {
	*menu

	groups int
	// orders and messages are how many there were; before has the order before
	// of each group.
	orders, messages int
	before           []chan struct{}
	// sold is how many of each item; steps has, for each item and how many were
	// sold before, one more than the message that said so.
	sold  []int
	steps [][]atomic.Int32

	mu   sync.Mutex
	open []string // orders to be cancelled
}

// openBulk puts items with a stock on the menu.
func openBulk(ctx context.Context, r *Run) (*bulk, error) {
	groups := r.Keys / perOrder
	if groups == 0 {
		return nil, fmt.Errorf("%w: --keys is at least %d here", ErrConfig, perOrder)
	}
	m, err := openMenu(ctx, r, stock)
	b := &bulk{menu: m, groups: groups}
	b.reset()
	return b, err
}

func (b *bulk) reset() {
	b.orders, b.messages, b.open = 0, 0, nil
	b.before, b.sold = make([]chan struct{}, b.groups), make([]int, b.keys)
	b.steps = make([][]atomic.Int32, b.keys)
	for k := range b.steps {
		b.steps[k] = make([]atomic.Int32, mostOpen/b.groups+1)
	}
}

// step says which message a frame is.
func (b *bulk) step(f *feed.Frame) int {
	k, sold := b.key(f), stock-1-count(f.Value)
	if k < 0 || k >= len(b.steps) || sold < 0 || sold >= len(b.steps[k]) {
		return -1
	}
	return int(b.steps[k][sold].Load()) - 1
}

// lines is how many messages an order has at a rate of messages.
func lines(rate float64) int { return min(int(math.Ceil(rate/commandRate)), perOrder) }

// room reports whether the hub has room for so many orders.
func (b *bulk) room(orders int) bool { return b.orders+orders <= mostOpen }

// publish sends orders of so many lines, so many a second.
func (b *bulk) publish(ctx context.Context, course *check.Course, rate float64, orders, lines int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	err := meter.Pace(ctx, time.Now(), rate, orders, func(_ int, due time.Time) {
		turn := b.orders % b.groups
		b.orders++
		wait, done := b.before[turn], make(chan struct{})
		b.before[turn] = done
		first := b.number(course, turn, lines, due)
		group.Go(func() error {
			defer close(done)
			if wait != nil {
				<-wait
			}
			return b.place(ctx, course, turn, first, lines)
		})
	})
	if e := group.Wait(); e != nil {
		err = e
	}
	return err
}

// number gives the messages of an order their numbers and returns the first.
func (b *bulk) number(course *check.Course, turn, lines int, due time.Time) (first int) {
	first = b.messages
	for i := range lines {
		k := turn*perOrder + i
		course.Due(first+i, uint32(k), due)
		b.steps[k][b.sold[k]].Store(int32(first + i + 1))
		b.sold[k]++
	}
	b.messages += lines
	return first
}

func (b *bulk) place(ctx context.Context, course *check.Course, turn, first, lines int) error {
	items := make([]string, lines)
	for i := range items {
		items[i] = itemID(turn*perOrder + i)
	}
	order, err := b.run.site.Place(ctx, "Load", items...)
	for i := range lines {
		if err == nil {
			course.Happened(first + i)
		} else if site.Refused(err) {
			course.Refused(first + i)
		}
	}
	if err != nil {
		return fmt.Errorf("message %d: %w", first, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = append(b.open, order.ID)
	return nil
}

// clear cancels all orders and begins anew: the stock is as it was.
func (b *bulk) clear(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(dialers)
	for _, id := range b.open {
		group.Go(func() error {
			err := b.run.site.Advance(ctx, id, "cancel")
			// A hub keeps the newest of a customer: it may be done and gone at once.
			if site.Code(err) == "archived" {
				return nil
			}
			return err
		})
	}
	err := group.Wait()
	b.reset()
	return err
}
