package scenario

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"everything.local/loadtest/check"
	"everything.local/loadtest/feed"
	"everything.local/loadtest/meter"
	"everything.local/loadtest/site"
)

// More messages a second than a hub can take commands come of orders of many
// items: each takes one off the stock of perOrder items, and all of them are
// shown on the menu anew. It is one event and one write to the disk. At the
// rates this is for, the next order comes before the hub has written the last
// one's messages to a thousand watchers, so that they are no help to it.
const (
	// perOrder is how many lines an order has at most.
	perOrder = 20
	// stock is how many of each item there are to begin with, the most a menu
	// can show.
	stock = 10_000
	// mostOpen is how many orders are left open at most: a hub takes 10,000.
	mostOpen = 9_000
)

// bulk publishes by orders. Item k is in group k/perOrder; order o takes one of
// each of group o mod groups.
type bulk struct {
	*menu

	groups int
	// next is the number of the next order, orders the ids of the open ones.
	next   int
	mu     sync.Mutex
	orders []string
	before []chan struct{} // the order before of the same group
}

// openBulk puts items with a stock on the menu.
func openBulk(ctx context.Context, r *Run) (*bulk, error) {
	groups := r.Keys / perOrder
	if groups == 0 {
		return nil, fmt.Errorf("%w: --keys is at least %d here", ErrConfig, perOrder)
	}
	m, err := openMenu(ctx, r, stock)
	return &bulk{menu: m, groups: groups, before: make([]chan struct{}, groups)}, err
}

// step says which message a frame is.
func (b *bulk) step(f *feed.Frame) int {
	k, left := b.key(f), count(f.Value)
	if k < 0 || k >= b.groups*perOrder || left < 0 || left >= stock {
		return -1
	}
	return ((stock-1-left)*b.groups+k/perOrder)*perOrder + k%perOrder
}

// publish sends so many orders a second, and returns the number of messages
// when all are answered.
func (b *bulk) publish(ctx context.Context, course *check.Course, rate float64, orders int) (messages int, err error) {
	from := b.next
	b.next += orders
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	err = meter.Pace(ctx, time.Now(), rate, orders, func(n int, due time.Time) {
		o := from + n
		wait, done := b.before[o%b.groups], make(chan struct{})
		b.before[o%b.groups] = done
		group.Go(func() error {
			defer close(done)
			if wait != nil {
				<-wait
			}
			return b.place(ctx, course, o, due)
		})
	})
	if e := group.Wait(); e != nil {
		err = e
	}
	return orders * perOrder, err
}

func (b *bulk) place(ctx context.Context, course *check.Course, o int, due time.Time) error {
	group := o % b.groups * perOrder
	items := make([]string, perOrder)
	for i := range perOrder {
		items[i] = itemID(group + i)
		course.Due(o*perOrder+i, uint32(group+i), due)
	}
	order, err := b.run.site.Place(ctx, "Load", items...)
	for i := range perOrder {
		if err == nil {
			course.Happened(o*perOrder + i)
		} else if site.Refused(err) {
			course.Refused(o*perOrder + i)
		}
	}
	if err != nil {
		return fmt.Errorf("order %d: %w", o, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.orders = append(b.orders, order.ID)
	return nil
}

// clear cancels all orders and begins anew: the stock is as it was.
func (b *bulk) clear(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(dialers)
	for _, id := range b.orders {
		group.Go(func() error {
			err := b.run.site.Advance(ctx, id, "cancel")
			// A hub keeps the newest of a customer: it may be done and gone at once.
			if site.Code(err) == "archived" {
				return nil
			}
			return err
		})
	}
	b.orders, b.next = nil, 0
	return group.Wait()
}
