package scenario

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"everything.local/loadtest/check"
	"everything.local/loadtest/feed"
	"everything.local/loadtest/meter"
	"everything.local/loadtest/site"
)

// A whole order takes five steps, each of which is an event and shows on the
// kitchen's screen, the board and its customer's phone. The order's name has
// its number in the run.
var steps = []string{"placed", "accepted", "preparing", "ready", "picked_up"}

// actions are the commands for the steps after the first.
var actions = []string{"", "accept", "start", "ready", "pickup"}

const (
	// between is about how long staff take from one step to the next; see
	// rest.
	between = 200 * time.Millisecond
	// perAddress is how many guests sign in from one address of this machine,
	// of which a hub lets 60 in at once.
	perAddress = 40
	// comeIn is how many guests sign in at once: they come in one after another.
	comeIn = 4
)

// orders makes whole orders happen.
type orders struct {
	run    *Run
	guests []site.Guest
	item   string
	// kitchen, board and own are the courses of the topics; own has one for
	// each guest, who places every len(guests)-th order.
	kitchen, board *check.Course
	own            []*check.Course
	// next is the number of the next order.
	next int
}

func openOrders(ctx context.Context, r *Run, most int) (*orders, error) {
	o := &orders{run: r, guests: make([]site.Guest, r.Guests)}
	menu, err := r.site.Menu(ctx)
	if err != nil {
		return nil, err
	}
	for _, i := range menu {
		if i.Available && i.Remaining == nil {
			o.item = i.ID
		}
	}
	if o.item == "" {
		return nil, fmt.Errorf("%w: there is nothing on the menu that is available and not counted", ErrConfig)
	}
	o.kitchen, o.board = check.NewCourse(most*len(steps)), check.NewCourse(most*len(steps))
	for range o.guests {
		o.own = append(o.own, check.NewCourse((most/r.Guests+1)*len(steps)))
	}
	return o, o.signIn(ctx)
}

// signIn makes the guests.
func (o *orders) signIn(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(comeIn)
	for i := range o.guests {
		group.Go(func() (err error) {
			var from netip.Addr
			if o.run.loopback() {
				from = netip.AddrFrom4([4]byte{127, 254, byte(i / perAddress / 250), byte(1 + i/perAddress%250)})
			}
			o.guests[i], err = o.run.site.Guest(ctx, fmt.Sprintf("Guest %d", i), from)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("sign guests in: %w", err)
	}
	return nil
}

// run sends so many whole orders at a rate and returns when all are picked up.
func (o *orders) publish(ctx context.Context, rate float64, count int) error {
	from := o.next
	o.next += count
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	err := meter.Pace(ctx, time.Now(), rate, count, func(n int, due time.Time) {
		group.Go(func() error {
			if err := o.whole(ctx, from+n, due, rest(rate)); err != nil {
				return fmt.Errorf("order %d: %w", from+n, err)
			}
			return nil
		})
	})
	if e := group.Wait(); e != nil {
		return e
	}
	return err
}

// rest is how long staff take from one step to the next at a rate of whole
// orders: such that the steps of all orders together come at equal distances. A
// multiple of the distance between orders would have all that are under way
// take their steps in the same instant, and a log that does one after the other
// would be measured by how many those are.
func rest(rate float64) time.Duration {
	each := float64(time.Second) / rate
	return time.Duration((math.Round(float64(between)/each) + 1/float64(len(steps))) * each)
}

// whole takes one order through its life, with a rest after each step.
func (o *orders) whole(ctx context.Context, n int, due time.Time, rest time.Duration) error {
	guest := n % len(o.guests)
	staff, caller := o.run.site, o.run.site.As(o.guests[guest].Token)
	var placed site.Order
	for s, action := range actions {
		if err := meter.Until(ctx, due); err != nil {
			return err
		}
		courses := []*check.Course{o.kitchen, o.board, o.own[guest]}
		at := []int{n*len(steps) + s, n*len(steps) + s, n/len(o.guests)*len(steps) + s}
		for i, c := range courses {
			c.Due(at[i], uint32(at[i]/len(steps)), due)
		}
		var err error
		if s == 0 {
			placed, err = caller.Place(ctx, "load#"+strconv.Itoa(n), o.item)
		} else {
			err = staff.Advance(ctx, placed.ID, action)
		}
		for i, c := range courses {
			if err == nil {
				c.Happened(at[i])
			} else if site.Refused(err) {
				c.Refused(at[i])
			}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", steps[s], err)
		}
		due = due.Add(rest)
	}
	return nil
}

// sight reads steps off one topic's frames. It belongs to one reader.
type sight struct {
	// orders are the orders by the keys that they have on the topic.
	orders map[string]int
	// every is one for the topics of staff; a guest's own has every so many-th.
	every int
	// ends says that a key goes with the last step; else it stays.
	ends bool
}

var (
	nameMark   = []byte(`"name":"load#`)
	statusMark = []byte(`"status":"`)
)

// step says which step a frame is, negative for none.
func (v *sight) step(f *feed.Frame) int {
	if f.Value == nil {
		n, ok := v.orders[string(f.Key)]
		if !ok || !v.ends {
			return -1
		}
		delete(v.orders, string(f.Key))
		return n*len(steps) + len(steps) - 1
	}
	n, status := number(f.Value), after(f.Value, statusMark)
	if n < 0 || status == nil {
		return -1
	}
	n /= v.every
	if v.ends {
		v.orders[string(f.Key)] = n
	}
	for s, name := range steps {
		if bytes.HasPrefix(status, []byte(name)) && status[len(name)] == '"' {
			return n*len(steps) + s
		}
	}
	return -1
}

// number is which order of the run a value is, negative for none.
func number(value []byte) int {
	digits := after(value, nameMark)
	if digits == nil {
		return -1
	}
	n := 0
	for _, c := range digits {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// after is what follows a mark, nil without one.
func after(value, mark []byte) []byte {
	_, rest, ok := bytes.Cut(value, mark)
	if !ok {
		return nil
	}
	return rest
}
