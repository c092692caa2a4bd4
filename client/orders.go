package client

import (
	"context"
	"net/http"
	"net/url"

	"everything.local/proto"
)

// Menu returns everything that can be ordered.
func (c *Client) Menu(ctx context.Context) (*proto.MenuAnswer, error) {
	a := new(proto.MenuAnswer)
	return a, c.call(ctx, request{method: http.MethodGet, path: "/v1/menu", out: a})
}

// OrderAnswer is an order as the hub answered with it.
type OrderAnswer struct {
	*proto.OrderAnswer

	// Raw is the JSON it came as.
	Raw []byte
}

// Place orders. The answer is an order that is in the hub's log: it has a
// number, and its customer's topic shows it from the answer's cursor on.
func (c *Client) Place(ctx context.Context, order *proto.PlaceOrderRequest) (OrderAnswer, error) {
	return c.command(ctx, "/v1/orders", order)
}

// Order returns one order, for its customer and for staff.
func (c *Client) Order(ctx context.Context, id string) (OrderAnswer, error) {
	a := OrderAnswer{OrderAnswer: new(proto.OrderAnswer)}
	err := c.call(ctx, request{method: http.MethodGet, path: "/v1/orders/" + url.PathEscape(id), out: a.OrderAnswer, raw: &a.Raw})
	return a, err
}

// Cancel withdraws an order that nobody has begun to make.
func (c *Client) Cancel(ctx context.Context, id string) (OrderAnswer, error) {
	return c.command(ctx, "/v1/orders/"+url.PathEscape(id)+"/cancel", nil)
}
