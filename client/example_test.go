package client_test

import (
	"context"
	"errors"
	"fmt"

	"everything.local/client"
	"everything.local/event"
	"everything.local/proto"
)

// A guest orders, and follows the order until it is cancelled.
func Example() {
	ctx := context.Background()
	c, err := client.Dial(ctx, client.Config{Hubs: []string{theHub.url}, RootCAs: theHub.roots})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	if _, err := c.SignIn(ctx, "Ada"); err != nil {
		fmt.Println(err)
		return
	}
	placed, err := c.Place(ctx, &proto.PlaceOrderRequest{
		Name:  "Ada",
		Items: []*proto.LineRequest{{Item: "latte", Size: "large", Options: []string{"oat-milk"}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(placed.GetOrder().GetStatus(), placed.GetOrder().GetTotal().GetAmount())
	if _, err := c.Cancel(ctx, placed.GetOrder().GetId()); err != nil {
		fmt.Println(err)
		return
	}
	for u, err := range c.Watch(ctx, client.Request{
		Topics: []string{string(event.OrdersOf(placed.GetOrder().GetCustomer()))},
		After:  placed.GetCursor(), // what has happened since
	}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if u.Key == placed.GetOrder().GetId() {
			fmt.Println("changed")
			break
		}
	}
	// Output:
	// placed 480
	// changed
}

// A feed, frame by frame, over a wire of choice.
func ExampleClient_Follow() {
	ctx := context.Background()
	c, err := client.Dial(ctx, client.Config{Hubs: []string{theHub.url}, RootCAs: theHub.roots, Wire: client.SSE})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	feed, err := c.Follow(ctx, client.Request{Topics: []string{"menu"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer feed.Close()
	for {
		f, err := feed.Next()
		if err != nil || f.Live {
			fmt.Println("live over", feed.Wire(), err)
			return
		}
		if f.Key == "latte" {
			fmt.Println("there is latte")
		}
	}
	// Output:
	// there is latte
	// live over sse <nil>
}

// What is refused has a code to branch on and a sentence for a person.
func ExampleError() {
	ctx := context.Background()
	c, err := client.Dial(ctx, client.Config{Hubs: []string{theHub.url}, RootCAs: theHub.roots})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	_, err = c.Follow(ctx, client.Request{Topics: []string{"kitchen"}})
	if refused, ok := errors.AsType[*client.Error](err); ok {
		fmt.Println(refused.Code)
	}
	// Output:
	// unauthenticated
}

// A watch says how it is doing between the frames: this is what a program shows
// beside them, so that nobody takes what is old for what is.
func ExampleClient_Watch() {
	ctx := context.Background()
	c, err := client.New(client.Config{
		// The next is tried where one is lost. There is none at the first here.
		Hubs: []string{"https://127.0.0.1:1", theHub.url}, RootCAs: theHub.roots,
		Wire: client.WS,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	for u, err := range c.Watch(ctx, client.Request{Topics: []string{"menu"}, Pace: client.Attentive}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		switch {
		case u.Status == nil && u.Key == "latte":
			fmt.Println("there is a latte")
		case u.Status == nil:
		case u.Status.Moved != nil:
			fmt.Println("moved from", u.Status.Moved, "to", u.Status.Path)
		case u.Status.State == client.Live:
			fmt.Println("live over", u.Status.Wire)
			return
		default:
			fmt.Println(u.Status.State)
		}
	}
	// Output:
	// connecting
	// waiting
	// there is a latte
	// live over ws
}
