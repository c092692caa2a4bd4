package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"everything.local/cafe"
	"everything.local/client"
	"everything.local/event"
	"everything.local/proto"
)

// orderCommand is hub order.
type orderCommand struct {
	Items []string `arg:"" sep:"none" help:"What to order, by its id on the menu: item[:size][+option…], then perhaps how many, like x2."`
	Name  string   `help:"What to call out when it is ready. Needed without a token: it makes you a guest."`
	Note  string   `help:"For whoever makes it, like \"extra hot\"."`
	Wait  bool     `help:"Stay until it is picked up, and print each step. Ends with 1 if it comes to nothing."`
	JSON  bool     `name:"json" help:"Print the hub's answer as it came, and with --wait each frame about the order."`

	reach
}

// Help is the second part of hub order --help.
func (*orderCommand) Help() string {
	return `Places an order once, however often it has to be sent on a bad line, and prints its number, the total and what happens next.

Examples:

  hub order latte --name Ada                           a guest's order at the hub on this machine
  hub order latte:large+oat-milk x2 croissant --name Ada --note "extra hot" --wait
  hub order espresso --token-file ada.token --hub https://pi-1.local:8443 --ca ca.pem
  hub watch menu                                       shows what there is to order`
}

// Run orders.
func (c *orderCommand) Run(ctx context.Context, s streamsOut) error {
	lines, err := parseLines(c.Items)
	if err != nil {
		return err
	}
	cl, vouched, err := c.open()
	if err != nil {
		return err
	}
	defer cl.Close()
	if !vouched {
		if c.Name == "" {
			return fmt.Errorf("%w: whom to call? give --name, or a token with --token-file", errArguments)
		}
		if _, err := cl.SignIn(ctx, c.Name); err != nil {
			return c.advise(ctx, err)
		}
	}
	placed, err := cl.Place(ctx, &proto.PlaceOrderRequest{Name: c.Name, Note: c.Note, Items: lines})
	if err != nil {
		return c.advise(ctx, suggest(ctx, cl, lines, err))
	}
	w := &waiting{streamsOut: s, json: c.JSON}
	if err := w.begin(placed); err != nil || !c.Wait {
		return err
	}
	return w.run(ctx, cl, c, placed.GetCursor())
}

// waiting follows one order to its end.
type waiting struct {
	streamsOut

	json  bool
	order cafe.Order
}

// errEnded ends the watch of an order that has ended.
var errEnded = errors.New("the order has ended")

// begin prints what was ordered.
func (w *waiting) begin(a client.OrderAnswer) error {
	var body struct {
		Order cafe.Order `json:"order"`
	}
	if err := json.Unmarshal(a.Raw, &body); err != nil {
		return fmt.Errorf("the hub's answer: %w", err)
	}
	w.order = body.Order
	if w.json {
		return writeLine(w.out, string(a.Raw))
	}
	o := w.order
	if err := writeLine(w.out, oneLine(fmt.Sprintf("Order %d", o.Number)+forWhom(o.Name)+": "+itemsWords(o.Items)+". "+moneyWords(o.Total.Amount, o.Total.Currency)+".")); err != nil {
		return err
	}
	return writeLine(w.out, nextWords(o))
}

// run prints each further step, and returns an error if the order came to
// nothing.
func (w *waiting) run(ctx context.Context, cl *client.Client, c *orderCommand, cursor string) error {
	if !w.order.Status.Open() {
		return w.outcome()
	}
	own := client.Request{Topics: []string{string(event.OrdersOf(w.order.Customer))}, After: cursor, Pace: client.Attentive}
	for u, err := range cl.Watch(ctx, own) {
		switch {
		case ctx.Err() != nil:
			return writeLine(w.err, fmt.Sprintf("Order %d stands; see it with: hub watch board", w.order.Number))
		case err != nil:
			return c.advise(ctx, err)
		case u.Status == nil:
			err = w.take(u.Frame)
		case u.Status.State != client.Connecting:
			_ = writeLine(w.err, clock(time.Now()), statusWords(*u.Status)) // for a person, who may have gone
		}
		if errors.Is(err, errEnded) {
			return w.outcome()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *waiting) take(f client.Frame) error {
	if f.Key != w.order.ID || f.Value == nil {
		return nil
	}
	before := w.order.Status
	if err := json.Unmarshal(f.Value, &w.order); err != nil {
		return fmt.Errorf("the order as the hub shows it: %w", err)
	}
	if w.order.Status == before {
		return nil
	}
	line := string(f.Raw)
	if !w.json {
		line = clock(time.Now()) + " " + nextWords(w.order)
	}
	if err := writeLine(w.out, line); err != nil {
		return err
	}
	if !w.order.Status.Open() {
		return errEnded
	}
	return nil
}

func (w *waiting) outcome() error {
	if w.order.Status == cafe.PickedUp {
		return nil
	}
	return fmt.Errorf("order %d comes to nothing: %s", w.order.Number, stateWords(w.order.Status))
}

// nextWords says where an order is and what happens next.
func nextWords(o cafe.Order) string {
	switch o.Status {
	case cafe.Placed:
		return "Placed. The café has until " + clockOf(o.AcceptBy) + " to accept it. hub watch board shows it."
	case cafe.Accepted:
		return "Accepted. It will be made next."
	case cafe.Preparing:
		return "Being made."
	case cafe.IsReady:
		return "Ready. Pick it up by " + clockOf(o.PickupBy) + "."
	case cafe.PickedUp:
		return "Picked up. Enjoy!"
	case cafe.Declined:
		return "Declined. " + reasonWords(o.Reason)
	case cafe.Cancelled:
		return "Cancelled. " + reasonWords(o.Reason)
	}
	return stateWords(o.Status)
}

func reasonWords(reason string) string {
	switch reason {
	case cafe.OutOfStock:
		return "Something in it is sold out; order something else."
	case cafe.Closing:
		return "The café is closing; come back tomorrow."
	case cafe.ByCustomer:
		return "It was withdrawn."
	case cafe.NotAccepted:
		return "Nobody could take it in time; order again, or ask at the counter."
	case cafe.NotPickedUp:
		return "Nobody came for it."
	}
	return "Ask at the counter why."
}
