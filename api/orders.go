package api

import (
	"context"

	"google.golang.org/protobuf/proto"

	"everything.local/auth"
	"everything.local/cafe"
	"everything.local/event"
	pb "everything.local/proto"
)

type orderAnswer struct {
	Order  cafe.Order `json:"order"`
	Cursor string     `json:"cursor"`
}

type ordersAnswer struct {
	Orders []cafe.Order `json:"orders"`
	Cursor string       `json:"cursor"`
}

func (a *API) placeOrder(ctx context.Context, c *call, req *pb.PlaceOrderRequest) (answer, error) {
	cmd := cafe.PlaceOrder{Name: req.GetName(), Note: req.GetNote()}
	for _, l := range req.GetItems() {
		quantity := int32(1)
		if l.Quantity != nil {
			quantity = l.GetQuantity()
		}
		cmd.Items = append(cmd.Items, cafe.LineRequest{
			Item: l.GetItem(), Size: l.GetSize(), Options: l.GetOptions(), Quantity: quantity,
		})
	}
	m, err := a.command(ctx, c, auth.PlaceOrder, req, cmd)
	if err != nil {
		return answer{}, err
	}
	id := cafe.Subject(cmd, m).ID
	ans, err := a.showOrder(id)
	ans.created, ans.location = true, "/v1/orders/"+id
	return ans, err
}

// step answers the requests that move an order one step.
func step[M interface {
	proto.Message
	GetId() string
}](a *API, s cafe.Step) func(context.Context, *call, M) (answer, error) {
	action := auth.WorkOrder
	if s == cafe.Cancel {
		action = auth.CancelOrder
	}
	return func(ctx context.Context, c *call, req M) (answer, error) {
		cmd := cafe.Advance{Order: req.GetId(), Step: s}
		if why, ok := proto.Message(req).(interface{ GetReason() string }); ok {
			cmd.Reason = why.GetReason()
		}
		if _, err := a.command(ctx, c, action, req, cmd); err != nil {
			return answer{}, err
		}
		return a.showOrder(req.GetId())
	}
}

// showOrder answers with an order as it is now.
func (a *API) showOrder(id string) (answer, error) {
	order, ok, at := a.order(id)
	if !ok {
		return answer{}, event.Errorf(event.Archived, "this order is done, but so old that it is no longer kept here")
	}
	return answer{body: orderAnswer{order, at.String()}, cursor: at}, nil
}

// order returns an order and a position that it is not older than.
func (a *API) order(id string) (order cafe.Order, ok bool, at event.Cursor) {
	at = a.cfg.Follower.Cursor()
	a.cfg.Follower.Read(func() { order, ok = a.cfg.State.Order(id) })
	return order, ok, at
}

func (a *API) getOrder(_ context.Context, c *call, req *pb.GetOrderRequest) (answer, error) {
	who, err := c.auth.Identify(c.r)
	if err != nil {
		return answer{}, err
	}
	order, ok, at := a.order(req.GetId())
	if err := who.MaySee(event.OrdersOf(order.Customer)); err != nil && event.CodeOf(err) != event.Forbidden {
		return answer{}, err
	} else if err != nil || !ok {
		// Who may not see it may not know of it either.
		return answer{}, event.Errorf(event.NotFound, "there is no order %s that you may see", event.Quote(req.GetId()))
	}
	return answer{body: orderAnswer{order, at.String()}, cursor: at}, nil
}

func (a *API) listOrders(_ context.Context, c *call, req *pb.ListOrdersRequest) (answer, error) {
	who, err := c.caller(auth.PlaceOrder)
	if err != nil {
		return answer{}, err
	}
	if req.Limit != nil && req.GetLimit() < 1 {
		return answer{}, event.Errorf(event.Invalid, "the limit must be at least 1; leave it out for all").At("limit")
	}
	at := a.cfg.Follower.Cursor()
	list := []cafe.Order{}
	a.cfg.Follower.Read(func() {
		for _, o := range a.cfg.State.Orders(who.ID) {
			if (!req.GetOpen() || o.Status.Open()) && (req.Limit == nil || len(list) < int(req.GetLimit())) {
				list = append(list, o)
			}
		}
	})
	return answer{body: ordersAnswer{list, at.String()}, cursor: at}, nil
}
