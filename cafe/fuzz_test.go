package cafe

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"everything.local/event"
)

// script turns bytes into commands.
type script struct{ b []byte }

func (s *script) more() bool { return len(s.b) > 0 }

// pick returns a number below n.
func (s *script) pick(n int) int {
	if len(s.b) == 0 {
		return 0
	}
	v := int(s.b[0]) % n
	s.b = s.b[1:]
	return v
}

func choice[T any](s *script, from ...T) T { return from[s.pick(len(from))] }

// fuzzCafe is a world with a second hub that reads the log late, and what the
// commands of a script are about.
type fuzzCafe struct {
	*world
	script *script
	// behind is the state of a hub that has folded the log up to read.
	behind *State
	read   int
	orders []string
	posts  []string
	timers []Timer
	status map[string]Status
}

// FuzzDecide plays any sequence of commands, decided by hubs that know all of
// the log or a part of it, and checks after each what must always hold.
func FuzzDecide(f *testing.F) {
	for seed := range uint64(24) {
		rng := rand.New(rand.NewPCG(seed, 1))
		b := make([]byte, 100+rng.IntN(1000))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 2000 {
			return // longer scripts find nothing that these do not
		}
		c := &fuzzCafe{world: newWorld(t), script: &script{b}, behind: New(), status: map[string]Status{}}
		c.play()
	})
}

func (c *fuzzCafe) play() {
	c.must(OpenSite{Epoch: "k3f9", Site: "main", Mode: "test"}, clock)
	c.must(ImportMenu{Items: []Item{item1("latte", 380), item1("croissant", 260)}}, boss)
	for range choice(c.script, 0, 0, keptOrders-1) {
		// Close to the bound of kept orders.
		c.command(PlaceOrder{Items: one("latte")}, ada, false)
		c.command(Advance{Order: c.one(c.orders), Step: Cancel}, ada, false)
	}
	for c.script.more() {
		if c.script.pick(5) == 0 {
			c.catchUp()
		}
		c.now = c.now.Add(choice(c.script, 0, 0, time.Second, time.Second, time.Minute, 6*time.Minute, -time.Minute))
		by := choice(c.script, ada, bob, ada, boss, bob, grace, bob, clock)
		c.command(c.next(), by, c.script.pick(4) == 0)
	}
	c.checkFolds()
	c.checkForgotten()
}

// command decides on one of the hubs and appends what the log would take.
func (c *fuzzCafe) command(cmd Command, by Caller, late bool) {
	c.t.Helper()
	c.tries++
	m := c.meta(by, strconv.Itoa(c.tries))
	s := c.s
	if late {
		s = c.behind
	}
	writes, err := Decide(s, cmd, m)
	if err != nil {
		if _, ok := errors.AsType[*event.Error](err); !ok || event.CodeOf(err) == event.Internal || len(writes) > 0 {
			c.t.Fatalf("%#v: %v with %d events", cmd, err, len(writes))
		}
		return
	}
	for _, wr := range writes {
		if wr.Expected != lastOf(c.log, wr.Subject) {
			if !late {
				c.t.Fatalf("%#v expects %s at %d", cmd, wr.Subject, wr.Expected)
			}
			return // the log refuses it, nothing happens
		}
		c.append(cmd, m, wr)
		c.after(cmd)
	}
}

func (c *fuzzCafe) catchUp() {
	for ; c.read < len(c.log); c.read++ {
		if _, err := c.behind.Apply(c.log[c.read]); err != nil {
			c.t.Fatal(err)
		}
	}
}

// after notes what an event made and checks what must hold after it.
func (c *fuzzCafe) after(cmd Command) {
	e := c.log[len(c.log)-1]
	switch cmd.(type) {
	case PlaceOrder:
		c.orders = append(c.orders, e.Subject.ID)
	case PostAnnouncement:
		c.posts = append(c.posts, e.Subject.ID)
	}
	for _, en := range c.changed[len(c.changed)-1] {
		if en.Topic == event.Timers && !en.Gone() {
			c.timers = append(c.timers, decode[Timer](c.t, string(en.Value)))
		}
	}
	c.checkShown()
	c.checkOrders()
	for _, it := range c.s.Menu() {
		if it.Remaining != nil && (*it.Remaining < 0 || it.Available && *it.Remaining == 0) {
			c.t.Fatalf("stock of %s: %v, available %v", it.ID, *it.Remaining, it.Available)
		}
	}
	if len(c.s.announcements) > maxAnnouncements || len(c.s.items) > maxItems {
		c.t.Fatalf("%d announcements, %d items", len(c.s.announcements), len(c.s.items))
	}
}

// edges are the legal changes of an order's status. The empty one is before.
var edges = map[Status][]Status{
	"":        {Placed, Declined},
	Placed:    {Accepted, Declined, Cancelled},
	Accepted:  {Preparing, Declined, Cancelled},
	Preparing: {IsReady},
	IsReady:   {PickedUp, Cancelled},
}

func (c *fuzzCafe) checkOrders() {
	perCustomer := map[string]int{}
	for id, o := range c.s.orders {
		v := o.view
		was := c.status[id]
		legal := was == v.Status
		for _, to := range edges[was] {
			legal = legal || to == v.Status
		}
		if !legal {
			c.t.Fatalf("order %d went from %q to %q", v.Number, was, v.Status)
		}
		c.status[id] = v.Status
		var total int64
		for _, l := range v.Items {
			if l.Unit.Amount < 0 || int64(l.Total.Amount) != int64(l.Unit.Amount)*int64(l.Quantity) {
				c.t.Fatalf("a line's sum is wrong: %+v", l)
			}
			total += int64(l.Total.Amount)
		}
		if total != int64(v.Total.Amount) || v.Number < 1 || v.Number > numbers {
			c.t.Fatalf("number %d, the lines sum to %d, the total is %d", v.Number, total, v.Total.Amount)
		}
		if (v.AcceptBy != "") != (v.Status == Placed) || (v.PickupBy != "") != (v.Status == IsReady) || (v.EndedAt == "") != v.Status.Open() {
			c.t.Fatalf("times do not fit: %+v", v)
		}
		if !v.Status.Open() {
			perCustomer[v.Customer]++
		}
	}
	for customer, ended := range perCustomer {
		if ended > keptOrders {
			c.t.Fatalf("%d ended orders of %s are kept", ended, customer)
		}
	}
}

// next makes a command, mostly one that means something.
func (c *fuzzCafe) next() Command {
	s := c.script
	item := choice(s, "latte", "croissant", "latte", "croissant", "latte", "latte", "mocha", "nothing")
	switch kind := s.pick(32); {
	case kind < 12:
		return c.nextOrder(item)
	case kind < 25:
		return c.nextStep()
	case kind < 27 && len(c.timers) > 0:
		return Elapse{c.timers[s.pick(len(c.timers))]}
	case kind < 28:
		return c.nextAnnouncement()
	case kind < 29:
		return c.nextItem(item)
	case kind < 31:
		return SetAvailability{Item: item, Available: s.pick(4) > 0, Remaining: choice(s, nil, new(int32(s.pick(9))))}
	}
	return choice[Command](s,
		ForgetCustomer{Customer: ada.ID, Key: "k"}, ForgetCustomer{Customer: bob.ID}, PairScreen{Code: "482913"},
		OpenSite{Epoch: "k3fa", Site: "main", Mode: "test"}, PairScreen{Code: "x"},
		Elapse{Timer{ID: "accept.x.1", What: "accept", Of: "x"}})
}

func (c *fuzzCafe) nextOrder(item string) Command {
	s := c.script
	order := PlaceOrder{Name: choice(s, "Ada Lovelace", "", "Grace", "Bad\x00"), Note: choice(s, "", "hot")}
	for range choice(s, 1, 1, 1, 2, 0) {
		order.Items = append(order.Items, LineRequest{
			Item: item, Quantity: choice(s, int32(1), 1, 1, 1, 1, 1, 1, 2, 2, 3, 20, -7, 1<<31-1),
			Size:    choice(s, "", "", "large", "large", "huge"),
			Options: choice(s, nil, nil, nil, []string{"oat-milk"}, []string{"no-milk"}, []string{"no-milk"}, []string{"no-milk", "oat-milk"}, []string{"x"}),
		})
	}
	return order
}

// nextStep mostly takes the step that comes next in an open order's life.
func (c *fuzzCafe) nextStep() Command {
	s := c.script
	id := c.one(c.orders)
	step := choice(s, Cancel, Decline, Accept, "burn", "", "", "", "", "", "")
	if step == "" {
		step = map[Status]Step{Placed: Accept, Accepted: Start, Preparing: Ready, IsReady: Pickup}[c.status[id]]
	}
	return Advance{Order: id, Step: step, Reason: choice(s, "", "", "", "", Closing)}
}

func (c *fuzzCafe) nextAnnouncement() Command {
	s := c.script
	if s.pick(3) == 0 {
		return WithdrawAnnouncement{c.one(c.posts)}
	}
	post := PostAnnouncement{Text: "hello", From: choice(s, time.Time{}, c.now.Add(time.Minute))}
	if long := time.Duration(s.pick(3)) * time.Minute; long > 0 {
		post.Until = later(c.now, post.From).Add(long)
	}
	return post
}

func (c *fuzzCafe) nextItem(id string) Command {
	s := c.script
	it := item1(id, int32(s.pick(200)))
	it.Remaining = choice(s, nil, new(int32(s.pick(9))))
	it.Options[0].Choices[1].Available = s.pick(2) == 0
	switch s.pick(4) {
	case 0:
		return RetireItem{Item: id}
	case 1:
		return ImportMenu{Items: []Item{it, item1("mocha", 400)}}
	}
	return PutItem{Item: it}
}

func (c *fuzzCafe) one(ids []string) string {
	if len(ids) == 0 {
		return "nosuchthing"
	}
	// The newest are where something still happens.
	return ids[len(ids)-1-c.script.pick(min(len(ids), choice(c.script, 4, 8, 60)))]
}

// FuzzApply folds anything: it is folded or refused, never half.
func FuzzApply(f *testing.F) {
	w := story(f)
	for _, e := range w.log {
		f.Add(e.Type, e.Version, string(e.Subject.Kind), e.Subject.ID, []byte(e.Data), []byte(e.Personal), e.Forgotten)
	}
	f.Add(typeOrderPlaced, 1, "order", "x", []byte(`{"customer":"a","items":[{"item":"latte","quantity":2147483647},{"item":"latte","quantity":2147483647}],"accept_by":"2026-03-02T07:05:00.000Z"}`), []byte(nil), true)
	f.Add(typeItemPut, 1, "item", itemSubject("latte").ID, []byte(`{"item":{"id":"latte","options":[{}],"remaining":-5}}`), []byte(nil), false)
	f.Fuzz(func(t *testing.T, typ string, version int, kind, id string, data, personal []byte, forgotten bool) {
		// Three ways in: what the story made, an open order, the end of it.
		for _, upTo := range []int{0, 6, len(w.log) - 4} {
			s := New()
			for _, e := range w.log[:upTo] {
				if _, err := s.Apply(e); err != nil {
					t.Fatal(err)
				}
			}
			was := snapshotOf(t, s)
			entries, err := s.Apply(event.Event{
				Type: typ, Version: version, Time: w.now, Subject: event.Subject{Kind: event.Kind(kind), ID: id},
				Seq: s.Seq() + 1, Data: data, Personal: personal, Forgotten: forgotten,
			})
			now := snapshotOf(t, s)
			switch {
			case err != nil && !errors.Is(err, ErrUpgradeNeeded) && !errors.Is(err, event.ErrDamaged):
				t.Fatalf("an error of no kind: %v", err)
			case err != nil && (now != was || entries != nil):
				t.Fatalf("refused with %v, and %d entries change", err, len(entries))
			case err == nil && s.Restore([]byte(now)) != nil:
				t.Fatalf("the state cannot be restored: %s", now)
			}
			for _, e := range entries {
				if !e.Gone() && !json.Valid(e.Value) {
					t.Fatalf("%s %s is not JSON: %s", e.Topic, e.Key, e.Value)
				}
			}
		}
	})
}
