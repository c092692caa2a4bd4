package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"everything.local/event"
	pb "everything.local/proto"
)

// rpc serves the schema's methods over Connect, gRPC and gRPC-Web.
type rpc struct{ api *API }

var _ pb.HubHandler = rpc{}

func (s rpc) GetHub(ctx context.Context, req *pb.GetHubRequest) (*pb.HubAnswer, error) {
	return serve(ctx, s.api, "GetHub", req, &pb.HubAnswer{})
}

func (s rpc) GetMenu(ctx context.Context, req *pb.GetMenuRequest) (*pb.MenuAnswer, error) {
	return serve(ctx, s.api, "GetMenu", req, &pb.MenuAnswer{})
}

func (s rpc) PutItem(ctx context.Context, req *pb.PutItemRequest) (*pb.ItemAnswer, error) {
	return serve(ctx, s.api, "PutItem", req, &pb.ItemAnswer{})
}

func (s rpc) RetireItem(ctx context.Context, req *pb.RetireItemRequest) (*pb.DoneAnswer, error) {
	return serve(ctx, s.api, "RetireItem", req, &pb.DoneAnswer{})
}

func (s rpc) SetAvailability(ctx context.Context, req *pb.SetAvailabilityRequest) (*pb.ItemAnswer, error) {
	return serve(ctx, s.api, "SetAvailability", req, &pb.ItemAnswer{})
}

func (s rpc) PlaceOrder(ctx context.Context, req *pb.PlaceOrderRequest) (*pb.OrderAnswer, error) {
	return serve(ctx, s.api, "PlaceOrder", req, &pb.OrderAnswer{})
}

func (s rpc) ListOrders(ctx context.Context, req *pb.ListOrdersRequest) (*pb.OrdersAnswer, error) {
	return serve(ctx, s.api, "ListOrders", req, &pb.OrdersAnswer{})
}

func (s rpc) GetOrder(ctx context.Context, req *pb.GetOrderRequest) (*pb.OrderAnswer, error) {
	return serve(ctx, s.api, "GetOrder", req, &pb.OrderAnswer{})
}

func (s rpc) AcceptOrder(ctx context.Context, req *pb.AcceptOrderRequest) (*pb.OrderAnswer, error) {
	return serve(ctx, s.api, "AcceptOrder", req, &pb.OrderAnswer{})
}

func (s rpc) DeclineOrder(ctx context.Context, req *pb.DeclineOrderRequest) (*pb.OrderAnswer, error) {
	return serve(ctx, s.api, "DeclineOrder", req, &pb.OrderAnswer{})
}

func (s rpc) StartOrder(ctx context.Context, req *pb.StartOrderRequest) (*pb.OrderAnswer, error) {
	return serve(ctx, s.api, "StartOrder", req, &pb.OrderAnswer{})
}

func (s rpc) ReadyOrder(ctx context.Context, req *pb.ReadyOrderRequest) (*pb.OrderAnswer, error) {
	return serve(ctx, s.api, "ReadyOrder", req, &pb.OrderAnswer{})
}

func (s rpc) PickupOrder(ctx context.Context, req *pb.PickupOrderRequest) (*pb.OrderAnswer, error) {
	return serve(ctx, s.api, "PickupOrder", req, &pb.OrderAnswer{})
}

func (s rpc) CancelOrder(ctx context.Context, req *pb.CancelOrderRequest) (*pb.OrderAnswer, error) {
	return serve(ctx, s.api, "CancelOrder", req, &pb.OrderAnswer{})
}

func (s rpc) ListAnnouncements(ctx context.Context, req *pb.ListAnnouncementsRequest) (*pb.AnnouncementsAnswer, error) {
	return serve(ctx, s.api, "ListAnnouncements", req, &pb.AnnouncementsAnswer{})
}

func (s rpc) PostAnnouncement(ctx context.Context, req *pb.PostAnnouncementRequest) (*pb.AnnouncementAnswer, error) {
	return serve(ctx, s.api, "PostAnnouncement", req, &pb.AnnouncementAnswer{})
}

func (s rpc) WithdrawAnnouncement(ctx context.Context, req *pb.WithdrawAnnouncementRequest) (*pb.DoneAnswer, error) {
	return serve(ctx, s.api, "WithdrawAnnouncement", req, &pb.DoneAnswer{})
}

func (s rpc) PairScreen(ctx context.Context, req *pb.PairScreenRequest) (*pb.ScreenAnswer, error) {
	return serve(ctx, s.api, "PairScreen", req, &pb.ScreenAnswer{})
}

func (s rpc) ForgetCustomer(ctx context.Context, req *pb.ForgetCustomerRequest) (*pb.DoneAnswer, error) {
	return serve(ctx, s.api, "ForgetCustomer", req, &pb.DoneAnswer{})
}

// requestKey is under which bounded keeps the HTTP request for serve: who is
// calling follows from it.
type requestKey struct{}

// serve answers an RPC with what the core answers, made into out.
func serve[M proto.Message](ctx context.Context, a *API, name protoreflect.Name, req proto.Message, out M) (M, error) {
	r := ctx.Value(requestKey{}).(*http.Request).WithContext(ctx)
	ans, err := a.answerRPC(r, name, req, out)
	if err != nil {
		return out, rpcError(r, a, err)
	}
	if info, ok := connect.CallInfoForHandlerContext(ctx); ok {
		info.ResponseHeader().Set("Hub-Cursor", ans.cursor.String())
	}
	return out, nil
}

func (a *API) answerRPC(r *http.Request, name protoreflect.Name, req, out proto.Message) (answer, error) {
	if unknown(req.ProtoReflect()) {
		return answer{}, event.Errorf(event.UnknownField, "the request has fields that this hub does not know; update the hub, or leave them out")
	}
	ans, err := a.invoke(r, a.routes[name], req)
	if err != nil {
		return ans, err
	}
	body, err := json.Marshal(ans.body)
	if err != nil {
		return ans, err
	}
	return ans, protojson.Unmarshal(body, out)
}

// unknown reports whether a message has fields that the schema does not.
func unknown(m protoreflect.Message) bool {
	found := len(m.GetUnknown()) > 0
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Message() == nil || fd.IsMap():
		case fd.IsList():
			for i := range v.List().Len() {
				found = found || unknown(v.List().Get(i).Message())
			}
		default:
			found = found || unknown(v.Message())
		}
		return !found
	})
	return found
}

// rpcError is err as Connect and gRPC tell it, with the problem as its detail.
func rpcError(r *http.Request, a *API, err error) *connect.Error {
	p, k := explain(r, a.cfg.Logger, err)
	out := connect.NewError(k.rpc, errors.New(p.Detail))
	out.Meta().Set("Hub-Code", string(p.Code))
	if k.retry > 0 {
		out.Meta().Set("Retry-After", strconv.Itoa(k.retry))
	}
	problem := &pb.Problem{Type: p.Type, Title: p.Title, Status: int32(p.Status), Code: string(p.Code), Detail: p.Detail}
	if p.Field != "" {
		problem.Field = &p.Field
	}
	if detail, err := connect.NewErrorDetail(problem); err == nil {
		out.AddDetail(detail)
	}
	return out
}

// bounded reads the body of an RPC under the same bounds as REST's and keeps
// the request for serve. All methods are unary, so a body is one message.
func (a *API) bounded(next http.Handler) http.Handler {
	errs := connect.NewErrorWriter()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := a.readBody(w, r)
		if err != nil {
			if errs.IsSupported(r) {
				_ = errs.Write(w, r, rpcError(r, a, err)) // the client may have gone
			} else {
				writeProblem(w, r, a.cfg.Logger, err)
			}
			return
		}
		ctx := context.WithValue(r.Context(), requestKey{}, r)
		r = r.WithContext(ctx)
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// strictJSON is Connect's JSON codec with REST's strictness.
type strictJSON struct{}

func (strictJSON) Name() string { return "json" }

func (strictJSON) Marshal(m any) ([]byte, error) {
	return protojson.Marshal(m.(proto.Message))
}

func (strictJSON) Unmarshal(b []byte, m any) error { return decodeJSON(b, m.(proto.Message)) }
