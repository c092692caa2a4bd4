package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"everything.local/auth"
	"everything.local/event"
)

// talk fills the row's cells but drain, up to the first that fails.
func (r *row) talk(ctx context.Context, p *process) {
	steps := map[string]func(context.Context, *process) error{
		"connect": r.connect, "order": r.order, "snapshot": r.snapshot, "live": r.live, "resume": r.resume,
	}
	for _, c := range columns[:len(columns)-1] {
		err := steps[c](ctx, p)
		r.cells[c] = err
		if err != nil {
			return
		}
	}
}

// connect fetches the menu, and opens a feed.
func (r *row) connect(ctx context.Context, _ *process) error {
	a, err := r.peer.request(ctx, request{method: http.MethodGet, path: "/v1/menu"})
	if err != nil {
		return err
	}
	var menu struct{ Items []any }
	if err := json.Unmarshal(a.body, &menu); err != nil || a.status != http.StatusOK || len(menu.Items) == 0 {
		return fmt.Errorf("menu: %d %w %s", a.status, err, a.body)
	}
	if a.protocol != speaks[r.protocol] {
		return fmt.Errorf("the menu came over %q", a.protocol)
	}
	return r.open(ctx, subscription{Topics: "menu,board"})
}

func (r *row) open(ctx context.Context, ask subscription) (err error) {
	if r.feed, err = r.peer.follow(ctx, ask); err != nil {
		return err
	}
	if r.feed.protocol != speaks[r.protocol] {
		return fmt.Errorf("the feed came over %q", r.feed.protocol)
	}
	return nil
}

// snapshot reads the state of both topics, to live.
func (r *row) snapshot(ctx context.Context, _ *process) error {
	resets, entries := map[event.Topic]int{}, map[event.Topic]int{}
	live, err := r.feed.next(ctx, "live", func(f event.Frame) bool {
		if f.Reset {
			resets[f.Topic]++
		} else if f.Key != "" {
			entries[f.Topic]++
		}
		return f.Live
	})
	if err != nil {
		return err
	}
	for _, topic := range []event.Topic{"menu", "board"} {
		if resets[topic] != 1 || entries[topic] == 0 {
			return fmt.Errorf("%d resets and %d entries of %s", resets[topic], entries[topic], topic)
		}
	}
	r.at, err = event.ParseCursor(live.Cursor)
	return err
}

// order orders, and is the peer's own way of it.
func (r *row) order(ctx context.Context, p *process) error {
	if r.noOrder != "" {
		return nil
	}
	_, err := r.place(ctx, p, r.peer)
	return err
}

// place orders by a peer, and returns the order's key on the board.
func (r *row) place(ctx context.Context, p *process, by peer) (key string, err error) {
	a, err := by.request(ctx, request{http.MethodPost, "/v1/orders", p.token(auth.Customer, r.client+"-"+r.wire+"-"+r.protocol), latte})
	if err != nil {
		return "", err
	}
	var got struct{ Order struct{ Number int } }
	if err := json.Unmarshal(a.body, &got); err != nil || a.status != http.StatusCreated {
		return "", fmt.Errorf("order: %d %w %s", a.status, err, a.body)
	}
	return fmt.Sprint(got.Order.Number), nil
}

// live orders and sees the order come.
func (r *row) live(ctx context.Context, p *process) error {
	key, err := r.place(ctx, p, r.orderer(p))
	if err != nil {
		return err
	}
	return r.see(ctx, key)
}

// orderer is who orders for this row: the peer itself if it can.
func (r *row) orderer(p *process) peer {
	if r.noOrder != "" {
		return &ours{url: p.url, web: p.client}
	}
	return r.peer
}

// see waits for an order, and for the position that commits it.
func (r *row) see(ctx context.Context, key string) error {
	var seq uint64
	_, err := r.feed.next(ctx, "order "+key, func(f event.Frame) bool {
		r.note(f)
		if f.Topic == "board" && f.Key == key {
			seq = f.Seq
		}
		return seq > 0 && r.at.Seq >= seq
	})
	return err
}

// note keeps the position that commits everything.
func (r *row) note(f event.Frame) {
	if c, err := event.ParseCursor(f.Cursor); err == nil && f.Topic == "" {
		r.at = c
	}
}

// resume leaves and comes back, once with one position and once with one for
// each topic, and is sent what was missed and nothing else.
func (r *row) resume(ctx context.Context, p *process) error {
	for _, ask := range []func(at string) subscription{
		func(at string) subscription { return subscription{"menu,board", at} },
		func(at string) subscription { return subscription{"menu@" + at + ",board@" + at, ""} },
	} {
		r.feed.leave()
		missed, err := r.place(ctx, p, r.orderer(p))
		if err != nil {
			return err
		}
		before, seen := r.at, false
		if err := r.open(ctx, ask(before.String())); err != nil {
			return err
		}
		var wrong error
		_, err = r.feed.next(ctx, "live", func(f event.Frame) bool {
			r.note(f)
			if f.Reset || f.Key != "" && f.Seq <= before.Seq {
				wrong = fmt.Errorf("resumed at %v and was sent %+v", before, f)
			}
			seen = seen || f.Topic == "board" && f.Key == missed
			return f.Live
		})
		switch {
		case err != nil || wrong != nil:
			return orElse(wrong, err)
		case !seen:
			return fmt.Errorf("resumed at %v, and order %s never came", before, missed)
		}
	}
	return nil
}

// drain is told goaway, and the feed ends in good order.
func (r *row) drain(ctx context.Context) {
	if r.feed == nil {
		return
	}
	defer r.feed.leave()
	if r.failed() {
		return
	}
	_, err := r.feed.next(ctx, "goaway", func(f event.Frame) bool { return f.Goaway != nil })
	if err == nil {
		_, err = r.feed.next(ctx, "end", func(event.Frame) bool { return false })
		if errors.Is(err, io.EOF) && r.feed.why == nil {
			err = nil
		}
	}
	r.cells["drain"] = err
}

func (r *row) failed() bool {
	for _, err := range r.cells {
		if err != nil {
			return true
		}
	}
	return false
}
