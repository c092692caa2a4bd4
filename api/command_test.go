package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"everything.local/auth"
	"everything.local/cafe"
	"everything.local/event"
)

// orders counts the orders in the log.
func (s *site) orders() int {
	s.t.Helper()
	n := 0
	for _, e := range s.events() {
		if e.Type == "order.placed" {
			n++
		}
	}
	return n
}

func (s *site) events() (all []event.Event) {
	s.t.Helper()
	head, err := s.log.Head(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	done := errors.New("done")
	err = s.log.Tail(s.t.Context(), 0, func(e event.Event) error {
		all = append(all, e)
		if e.Seq == head {
			return done
		}
		return nil
	})
	if !errors.Is(err, done) {
		s.t.Fatal(err)
	}
	return all
}

// A retry under the same key gets the order there is; the key for anything else
// is refused; another caller's key is another key.
func TestIdempotencyKey(t *testing.T) {
	s := newSite(t)
	ada, eve, k := s.as(auth.Customer, "ada"), s.as(auth.Customer, "eve"), key("b2f0")
	first := s.do("POST", "/v1/orders", latte, ada, k)
	spaced := "{ \"note\":\"extra \\u003chot>\", \"items\":[{\"quantity\":2,\"size\":\"large\",\"item\":\"latte\"}], \"name\":\"Ada\"}\n"
	for what, r := range map[string]response{
		"the same bytes":  s.do("POST", "/v1/orders", latte, ada, k),
		"the same JSON":   s.do("POST", "/v1/orders", spaced, ada, k),
		"on another hub":  s.join(s.log, newFollower()).do("POST", "/v1/orders", latte, ada, k),
		"on a stale hub":  s.retryOnStaleHub(latte, ada, k),
		"after its steps": s.retryAfterSteps(first.order(t).ID, ada, k),
	} {
		if r.status != http.StatusCreated || r.order(t).ID != first.order(t).ID || r.order(t).Number != 1 {
			t.Errorf("%s: %d %s", what, r.status, r.body)
		}
		if r.header.Get("Location") != first.header.Get("Location") {
			t.Errorf("%s: Location %q", what, r.header.Get("Location"))
		}
	}
	if r := s.do("POST", "/v1/orders", `{"items":[{"item":"mocha"}]}`, ada, k); r.code() != event.IdempotencyMismatch || r.status != http.StatusUnprocessableEntity {
		t.Errorf("another body: %d %s", r.status, r.body)
	}
	if n := s.orders(); n != 1 {
		t.Errorf("%d orders in the log", n)
	}
	if r := s.do("POST", "/v1/orders", latte, eve, k); r.order(t).ID == first.order(t).ID {
		t.Error("two callers with the same key share an order")
	}
	if r := s.do("POST", "/v1/orders", latte, ada); r.order(t).ID == first.order(t).ID {
		t.Error("no key is the same key")
	}
}

// headed is a log that tells when its head is asked for.
type headed struct {
	event.Log
	asked func()
}

func (h headed) Head(ctx context.Context) (uint64, error) {
	h.asked()
	return h.Log.Head(ctx)
}

// retryOnStaleHub retries on a hub that has read nothing, and goes on reading
// only once it asks how far the log is.
func (s *site) retryOnStaleHub(body string, headers ...header) response {
	s.t.Helper()
	f := newFollower()
	goOn := sync.OnceFunc(f.pause())
	defer goOn()
	return s.join(headed{s.log, goOn}, f).do("POST", "/v1/orders", body, headers...)
}

func (s *site) retryAfterSteps(id string, headers ...header) response {
	bob := s.as(auth.Barista, "bob")
	for _, step := range []string{"accept", "start", "ready", "pickup"} {
		if r := s.do("POST", "/v1/orders/"+id+"/"+step, "", bob); r.status != http.StatusOK {
			s.t.Fatalf("%s: %d %s", step, r.status, r.body)
		}
	}
	return s.do("POST", "/v1/orders", latte, headers...)
}

// An answer that the log lost is asked for again, and the command stored once.
func TestLostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.log.LoseAnswers(3)
		r := s.do("POST", "/v1/orders", latte, s.as(auth.Customer, "ada"), key("k"))
		if r.status != http.StatusCreated || r.order(t).Number != 1 {
			t.Errorf("%d %s", r.status, r.body)
		}
		if n := s.orders(); n != 1 {
			t.Errorf("%d orders in the log", n)
		}
	})
}

// While the log takes nothing a command waits; it goes on when the log does, or
// is told after 10 s to come again, and then is stored once.
func TestLogDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		ada := s.as(auth.Customer, "ada")
		s.log.SetDown(true)
		var wg sync.WaitGroup
		wg.Go(func() {
			if r := s.do("POST", "/v1/orders", latte, ada, key("a")); r.status != http.StatusCreated {
				t.Errorf("down for 4 s: %d %s", r.status, r.body)
			}
		})
		time.Sleep(4 * time.Second)
		s.log.SetDown(false)
		wg.Wait()

		s.log.SetDown(true)
		start := time.Now()
		r := s.do("POST", "/v1/orders", latte, ada, key("b"))
		refusal{code: event.Unavailable, status: http.StatusServiceUnavailable}.check(t, r)
		if took := time.Since(start); took != commandWithin || r.header.Get("Retry-After") == "" {
			t.Errorf("told after %v, Retry-After %q", took, r.header.Get("Retry-After"))
		}
		s.log.SetDown(false)
		if r := s.do("POST", "/v1/orders", latte, ada, key("b")); r.status != http.StatusCreated {
			t.Errorf("retried: %d %s", r.status, r.body)
		}
		if n := s.orders(); n != 2 {
			t.Errorf("%d orders in the log", n)
		}
	})
}

// Stored but not folded in time: the caller is told to come again and then sees
// what the first try did.
func TestFoldThatLags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		ada := s.as(auth.Customer, "ada")
		goOn := s.follower.pause()
		r := s.do("POST", "/v1/orders", latte, ada, key("a"))
		refusal{code: event.Unavailable, status: http.StatusServiceUnavailable}.check(t, r)
		goOn()
		if r := s.do("POST", "/v1/orders", latte, ada, key("a")); r.status != http.StatusCreated || s.orders() != 1 {
			t.Errorf("retried: %d %s", r.status, r.body)
		}
	})
}

// A hub that is too old for its log takes no commands and goes on showing what
// it knows.
func TestUpgradeNeeded(t *testing.T) {
	s := newSite(t)
	bob := s.as(auth.Barista, "bob")
	_, err := s.log.Append(t.Context(), event.Command{ID: event.CommandID("", "", "", "x")}, event.Write{
		Subject: event.Subject{Kind: event.KindItem, ID: event.NewID()},
		Event:   event.Event{Type: "item.praised", Version: 7, Time: time.Now(), By: "hub", Data: []byte("{}")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for s.follower.Halted() == nil {
		if err := s.follower.Wait(t.Context(), 3); err == nil {
			t.Fatal("the follower read what it cannot know")
		}
	}
	for range 2 {
		r := s.do("POST", "/v1/menu/latte/availability", `{"available":false}`, bob)
		refusal{code: event.UpgradeNeeded, status: http.StatusServiceUnavailable}.check(t, r)
	}
	if head, err := s.log.Head(t.Context()); err != nil || head != 3 {
		t.Errorf("the log went on to %d: %v", head, err)
	}
	if r := s.do("GET", "/v1/menu", ""); r.status != http.StatusOK {
		t.Errorf("menu: %d %s", r.status, r.body)
	}
	if r := s.do("GET", "/v1/hub", ""); !bytes.Contains(r.body, []byte(`"writable":false`)) {
		t.Errorf("hub: %s", r.body)
	}
}

// Of many who accept an order one does, and the others are told; of many who
// change one item each does.
func TestConflicts(t *testing.T) {
	const many = 32
	s := newSite(t)
	hubs := []*site{s, s.join(s.log, newFollower()), s.join(s.log, newFollower())}
	order := "/v1/orders/" + s.do("POST", "/v1/orders", latte, s.as(auth.Customer, "ada")).order(t).ID
	var accepted, changed [many]response
	var wg sync.WaitGroup
	for i := range many {
		hub, bob := hubs[i%len(hubs)], s.as(auth.Barista, fmt.Sprintf("bob%d", i))
		wg.Go(func() { accepted[i] = hub.do("POST", order+"/accept", "", bob) })
		wg.Go(func() {
			changed[i] = hub.do("POST", "/v1/menu/latte/availability", fmt.Sprintf(`{"available":true,"remaining":%d}`, i+1), bob)
		})
	}
	wg.Wait()
	won := 0
	for i := range many {
		switch r := accepted[i]; {
		case r.status == http.StatusOK && r.order(t).Status == cafe.Accepted:
			won++
		case r.code() != event.IllegalTransition:
			t.Errorf("accept %d: %d %s", i, r.status, r.body)
		}
		if r := changed[i]; r.status != http.StatusOK {
			t.Errorf("availability %d: %d %s", i, r.status, r.body)
		}
	}
	if won != 1 {
		t.Errorf("%d accepted the order", won)
	}
	set := 0
	for _, e := range s.events() {
		if e.Type == "item.availability_set" {
			set++
		}
	}
	if set != many {
		t.Errorf("%d changes of the item in the log, want %d", set, many)
	}
}

// The same key in many requests at once makes one order, the same for all.
func TestSameKeyAtOnce(t *testing.T) {
	const many = 32
	s := newSite(t)
	other := s.join(s.log, newFollower())
	ada := s.as(auth.Customer, "ada")
	var got [many]response
	var wg sync.WaitGroup
	for i := range many {
		hub := []*site{s, other}[i%2]
		wg.Go(func() { got[i] = hub.do("POST", "/v1/orders", latte, ada, key("one")) })
	}
	wg.Wait()
	for i, r := range got {
		if r.status != http.StatusCreated || r.order(t).ID != got[0].order(t).ID {
			t.Errorf("%d: %d %s", i, r.status, r.body)
		}
	}
	if n := s.orders(); n != 1 {
		t.Errorf("%d orders in the log", n)
	}
}

// A log without numbers in its conflicts, or none but conflicts, ends in a
// refusal.
type conflicted struct{ event.Log }

func (c conflicted) Append(context.Context, event.Command, ...event.Write) (event.Receipt, error) {
	return event.Receipt{}, &event.ConflictError{}
}

func TestEndlessConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		other := s.join(conflicted{s.log}, newFollower())
		r := other.do("POST", "/v1/orders", latte, s.as(auth.Customer, "ada"))
		refusal{code: event.Conflict, status: http.StatusConflict}.check(t, r)
	})
}

// What is answered can be read at once, on any hub, with the answer's cursor.
func TestReadYourWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		other := s.join(s.log, newFollower())
		synctest.Wait()
		goOn := other.follower.pause()
		ada := s.as(auth.Customer, "ada")
		placed := s.do("POST", "/v1/orders", latte, ada)
		path := placed.header.Get("Location")
		seen := header{"Hub-Cursor", placed.header.Get("Hub-Cursor")}

		if r := other.do("GET", path, "", ada); r.code() != event.NotFound {
			t.Errorf("a hub that is behind: %d %s", r.status, r.body)
		}
		start := time.Now()
		r := other.do("GET", path, "", ada, seen)
		refusal{code: event.Behind, status: http.StatusServiceUnavailable}.check(t, r)
		if took := time.Since(start); took != queryWithin || r.header.Get("Retry-After") != "1" {
			t.Errorf("told after %v, Retry-After %q", took, r.header.Get("Retry-After"))
		}
		foreign := header{"Hub-Cursor", "elsewhere.999999"}
		if r := other.do("GET", "/v1/menu", "", foreign); r.status != http.StatusOK {
			t.Errorf("cursor of another epoch: %d %s", r.status, r.body)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if r := other.do("GET", path, "", ada, seen); r.status != http.StatusOK {
				t.Errorf("a hub that catches up: %d %s", r.status, r.body)
			}
		})
		time.Sleep(time.Second)
		goOn()
		wg.Wait()
	})
}

// Forgetting deletes the key and shows "someone"; sent again it does not
// forget what was ordered since.
func TestForget(t *testing.T) {
	s := newSite(t)
	ada := s.as(auth.Customer, "ada")
	path := "/v1/customers/" + event.DeriveID("customer", "ada")
	id := s.do("POST", "/v1/orders", latte, ada).order(t).ID
	if r := s.do("DELETE", path, "", ada, key("f")); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if o := s.do("GET", "/v1/orders/"+id, "", ada).order(t); o.Name != "someone" || o.Note != "" || o.Total.Amount == 0 {
		t.Errorf("forgotten: %+v", o)
	}
	later := s.do("POST", "/v1/orders", latte, ada).order(t).ID
	if r := s.do("DELETE", path, "", ada, key("f")); r.status != http.StatusOK {
		t.Errorf("again: %d %s", r.status, r.body)
	}
	for _, e := range s.events() {
		if e.Type == "order.placed" && e.Forgotten != (e.Subject.ID == id) {
			t.Errorf("order %s: forgotten is %v", e.Subject.ID, e.Forgotten)
		}
	}
	if o := s.do("GET", "/v1/orders/"+later, "", ada).order(t); o.Name != "Ada" {
		t.Errorf("ordered since: %+v", o)
	}
	if r := s.do("DELETE", path, "", s.as(auth.Admin, "root")); r.status != http.StatusOK {
		t.Errorf("by an admin: %d %s", r.status, r.body)
	}
}

// broken is a log with a fault that has no code.
type broken struct{ event.Log }

func (broken) Append(context.Context, event.Command, ...event.Write) (event.Receipt, error) {
	return event.Receipt{}, fmt.Errorf("block 7 of /secret: %w", event.ErrDamaged)
}

// A fault of the log is noted and not told.
func TestFaultOfTheLog(t *testing.T) {
	s := newSite(t)
	other := s.join(broken{s.log}, newFollower())
	r := other.do("POST", "/v1/orders", latte, s.as(auth.Customer, "ada"))
	if r.status != http.StatusInternalServerError || r.code() != event.Internal || bytes.Contains(r.body, []byte("secret")) {
		t.Errorf("%d %s", r.status, r.body)
	}
	if logged := other.logged.String(); !strings.Contains(logged, "block 7") {
		t.Errorf("logged %q", logged)
	}
}

// A caller inside the hub is told the sequence, the first one again on a
// retry, and that of the state when there is nothing to do.
func TestDo(t *testing.T) {
	s := newSite(t)
	by := cafe.Caller{Role: "hub", ID: "hub"}
	id := event.Command{ID: event.CommandID("hub", "test", "", ""), Digest: "d"}
	counted := cafe.SetAvailability{Item: "latte", Available: true}
	for range 2 {
		if seq, err := s.api.Do(t.Context(), counted, by, id); err != nil || seq != 3 {
			t.Errorf("answered at %d: %v", seq, err)
		}
	}
	late := cafe.Elapse{Timer: cafe.Timer{ID: "accept.gone.1", What: "accept", Of: "gone", Due: "2026-01-01T00:00:00.000Z"}}
	if seq, err := s.api.Do(t.Context(), late, by, event.Command{ID: event.CommandID("hub", "timer", "", "")}); err != nil || seq != 3 {
		t.Errorf("nothing to do is answered at %d: %v", seq, err)
	}
	id.Digest = "e"
	if _, err := s.api.Do(t.Context(), counted, by, id); event.CodeOf(err) != event.IdempotencyMismatch {
		t.Errorf("another digest: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.log.SetDown(true)
	if _, err := s.api.Do(ctx, counted, by, event.Command{ID: event.CommandID("hub", "x", "", "")}); event.CodeOf(err) != event.Unavailable {
		t.Errorf("given up: %v", err)
	}
}
