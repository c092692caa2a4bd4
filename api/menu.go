package api

import (
	"context"
	"encoding/json"
	"slices"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"everything.local/auth"
	"everything.local/cafe"
	"everything.local/event"
	pb "everything.local/proto"
)

type menuAnswer struct {
	Items  []cafe.Item `json:"items"`
	Cursor string      `json:"cursor"`
}

// itemAnswer has no item when it was taken off the menu meanwhile.
type itemAnswer struct {
	Item   *cafe.Item `json:"item,omitempty"`
	Cursor string     `json:"cursor"`
}

// doneAnswer is for commands that leave nothing to show.
type doneAnswer struct {
	Cursor string `json:"cursor"`
}

func (a *API) done() answer {
	at := a.cfg.Follower.Cursor()
	return answer{body: doneAnswer{at.String()}, cursor: at}
}

func (a *API) getMenu(context.Context, *call, *pb.GetMenuRequest) (answer, error) {
	at := a.cfg.Follower.Cursor()
	var items []cafe.Item
	a.cfg.Follower.Read(func() { items = a.cfg.State.Menu() })
	if items == nil {
		items = []cafe.Item{}
	}
	return answer{body: menuAnswer{items, at.String()}, cursor: at}, nil
}

func (a *API) putItem(ctx context.Context, c *call, req *pb.PutItemRequest) (answer, error) {
	item, err := itemOf(req)
	if err != nil {
		return answer{}, err
	}
	if _, err := a.command(ctx, c, auth.EditMenu, req, cafe.PutItem{Item: item}); err != nil {
		return answer{}, err
	}
	return a.showItem(req.GetId()), nil
}

// itemOf makes cafe's item of the request's. Both have the same JSON.
func itemOf(req *pb.PutItemRequest) (item cafe.Item, err error) {
	asked := &pb.Item{}
	if req.GetItem() != nil {
		asked = proto.CloneOf(req.GetItem())
	}
	if asked.GetId() != "" && asked.GetId() != req.GetId() {
		return item, event.Errorf(event.Invalid, "the item's id is not the one in the address; leave it out, or correct one of them").At("id")
	}
	asked.Id = req.GetId()
	defaultAvailable(asked)
	if !texts(asked.GetAllergens()) {
		return item, event.Errorf(event.Invalid, "allergens must be a list of texts").At("allergens")
	}
	b, err := protojson.Marshal(asked)
	if err != nil {
		return item, err
	}
	return item, json.Unmarshal(b, &item)
}

// defaultAvailable makes available what a command does not say is not.
func defaultAvailable(item *pb.Item) {
	yes := true
	if item.Available == nil {
		item.Available = &yes
	}
	choices := item.GetSizes()
	for _, g := range item.GetOptions() {
		choices = append(slices.Clip(choices), g.GetChoices()...)
	}
	for _, ch := range choices {
		if ch.Available == nil {
			ch.Available = &yes
		}
	}
}

func (a *API) retireItem(ctx context.Context, c *call, req *pb.RetireItemRequest) (answer, error) {
	_, err := a.command(ctx, c, auth.EditMenu, req, cafe.RetireItem{Item: req.GetId()})
	return a.done(), err
}

func (a *API) setAvailability(ctx context.Context, c *call, req *pb.SetAvailabilityRequest) (answer, error) {
	if req.Available == nil {
		return answer{}, event.Errorf(event.Invalid, "say whether it is available, with true or false").At("available")
	}
	cmd := cafe.SetAvailability{Item: req.GetId(), Available: req.GetAvailable(), Remaining: req.Remaining}
	if _, err := a.command(ctx, c, auth.SetAvailability, req, cmd); err != nil {
		return answer{}, err
	}
	return a.showItem(req.GetId()), nil
}

func (a *API) showItem(id string) answer {
	at := a.cfg.Follower.Cursor()
	body := itemAnswer{Cursor: at.String()}
	a.cfg.Follower.Read(func() {
		if item, ok := a.cfg.State.Item(id); ok {
			body.Item = &item
		}
	})
	return answer{body: body, cursor: at}
}

// texts reports whether list has nothing but strings. It may be nil.
func texts(list *structpb.ListValue) bool {
	for _, v := range list.GetValues() {
		if _, ok := v.GetKind().(*structpb.Value_StringValue); !ok {
			return false
		}
	}
	return true
}
