package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"

	"everything.local/auth"
	"everything.local/event"
	pb "everything.local/proto"
)

// protocols are the forms of an RPC, with those that need HTTP/2.
var protocols = []struct {
	name   string
	option connect.ClientOption
	h2     bool
}{
	{"Connect", connect.WithClientOptions(), false},
	{"Connect JSON", connect.WithProtoJSON(), false},
	{"gRPC-Web", connect.WithGRPCWeb(), false},
	{"gRPC-Web JSON", connect.WithClientOptions(connect.WithGRPCWeb(), connect.WithProtoJSON()), false},
	{"gRPC", connect.WithGRPC(), true},
	{"Connect gzip", connect.WithSendGzip(), false},
}

// with adds headers to a call and keeps those of its answer.
func with(ctx context.Context, headers ...header) (context.Context, connect.CallInfo) {
	ctx, info := connect.NewClientContext(ctx)
	for _, h := range headers {
		info.RequestHeader().Set(h[0], h[1])
	}
	return ctx, info
}

func (s *site) eachProtocol(t *testing.T, run func(*testing.T, pb.HubClient)) {
	url, clients := s.serve()
	for version, client := range clients {
		for _, p := range protocols {
			if p.h2 && version != "HTTP/2.0" {
				continue
			}
			t.Run(p.name+"/"+version, func(t *testing.T) {
				run(t, pb.NewHubClient(client, url, p.option))
			})
		}
	}
}

var latteRPC = &pb.PlaceOrderRequest{
	Name: "Ada", Note: "extra <hot>",
	Items: []*pb.LineRequest{{Item: "latte", Size: "large", Quantity: proto.Int32(2)}},
}

// A command has one identity on all wires: sent by REST and then by RPC under
// one key it is one order, and the message has what the JSON has.
func TestOneOrderOnAllWires(t *testing.T) {
	s := newSite(t)
	ada := s.as(auth.Customer, "ada")
	r := s.do("POST", "/v1/orders", latte, ada, key("k"))
	var want pb.OrderAnswer
	if err := protojson.Unmarshal(r.body, &want); err != nil {
		t.Fatal(err)
	}
	s.eachProtocol(t, func(t *testing.T, c pb.HubClient) {
		ctx, info := with(t.Context(), ada, key("k"))
		got, err := c.PlaceOrder(ctx, latteRPC)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&want, got, protocmp.Transform()); diff != "" {
			t.Errorf("placed: %s", diff)
		}
		if info.ResponseHeader().Get("Hub-Cursor") != want.GetCursor() {
			t.Errorf("Hub-Cursor %q, want %s", info.ResponseHeader().Get("Hub-Cursor"), want.GetCursor())
		}
		ctx, _ = with(t.Context(), ada)
		shown, err := c.GetOrder(ctx, &pb.GetOrderRequest{Id: want.GetOrder().GetId()})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.GetOrder(), shown.GetOrder(), protocmp.Transform()); diff != "" {
			t.Errorf("shown: %s", diff)
		}
	})
	if n := s.orders(); n != 1 {
		t.Errorf("%d orders in the log", n)
	}
}

// Refusals are the same on all wires: the code in a header and a detail.
func TestRPCRefusals(t *testing.T) {
	s := newSite(t)
	ada := s.as(auth.Customer, "ada")
	s.eachProtocol(t, func(t *testing.T, c pb.HubClient) {
		ctx, _ := with(t.Context(), ada)
		_, err := c.PlaceOrder(ctx, &pb.PlaceOrderRequest{Items: []*pb.LineRequest{{Item: "petrol"}}})
		wantRPC(t, err, connect.CodeInvalidArgument, event.UnknownItem, "items[0].item")
		_, err = c.PlaceOrder(t.Context(), latteRPC)
		wantRPC(t, err, connect.CodeUnauthenticated, event.Unauthenticated, "")
		_, err = c.GetOrder(ctx, &pb.GetOrderRequest{Id: "nope"})
		wantRPC(t, err, connect.CodeNotFound, event.NotFound, "")
		bad, _ := with(t.Context(), header{"Hub-Cursor", "yesterday"})
		_, err = c.GetMenu(bad, &pb.GetMenuRequest{})
		wantRPC(t, err, connect.CodeInvalidArgument, event.BadCursor, "Hub-Cursor")
		_, err = c.PlaceOrder(ctx, &pb.PlaceOrderRequest{Note: strings.Repeat("n", 2<<20)})
		if connect.CodeOf(err) != connect.CodeResourceExhausted {
			t.Errorf("2 MB: %v", err)
		}
	})
	if n := s.orders(); n != 0 {
		t.Errorf("%d orders in the log", n)
	}
}

// What is wrong with a JSON body has the same code on Connect as on REST.
func TestConnectNamesBadJSON(t *testing.T) {
	s := newSite(t)
	ada := s.as(auth.Customer, "ada")
	for body, want := range map[string]struct{ code, field string }{
		`{"items":[{"item":"latte"}],"total":1}`:           {"unknown_field", "total"},
		`{"items":[{"item":"latte","quantity":1.5}]}`:      {"invalid", "items[0].quantity"},
		`{"items":[{"item":"latte"}]`:                      {"malformed", ""},
		"{\"name\":\"\xff\"}":                              {"bad_text", ""},
		`{"name":"Ada","name":"Eve","items":[{"item":1}]}`: {"invalid", "items[0].item"},
	} {
		r := s.do("POST", "/everything.v1.Hub/PlaceOrder", body, ada, header{"Content-Type", "application/json"})
		if got := r.header.Get("Hub-Code"); got != want.code || !strings.Contains(string(r.body), want.field) {
			t.Errorf("%s: Hub-Code %q in %s", body, got, r.body)
		}
	}
	if n := s.orders(); n != 0 {
		t.Errorf("%d orders in the log", n)
	}
}

func wantRPC(t *testing.T, err error, rpc connect.Code, code event.Code, field string) {
	t.Helper()
	e, ok := errors.AsType[*connect.Error](err)
	if !ok || e.Code() != rpc || len(e.Details()) != 1 {
		t.Fatalf("%v (%T), want %s", err, err, rpc)
	}
	detail, err := e.Details()[0].Value()
	if err != nil {
		t.Fatal(err)
	}
	p, ok := detail.(*pb.Problem)
	if !ok || p.GetCode() != string(code) || p.GetField() != field || p.GetDetail() != e.Message() {
		t.Errorf("%v, want %s at %q", detail, code, field)
	}
	if e.Meta().Get("Hub-Code") != string(code) {
		t.Errorf("Hub-Code %q, want %s", e.Meta().Get("Hub-Code"), code)
	}
}

// What the schema does not have is refused in both encodings.
func TestRPCUnknownField(t *testing.T) {
	s := newSite(t)
	url, clients := s.serve()
	ada := s.as(auth.Customer, "ada")
	r := send(t, clients["HTTP/2.0"], request(t.Context(), "POST", url+"/everything.v1.Hub/PlaceOrder",
		`{"items":[{"item":"latte","price":1}]}`, ada))
	if r.status != http.StatusBadRequest || !strings.Contains(string(r.body), "items[0].price") {
		t.Errorf("%d %s", r.status, r.body)
	}
	line := &pb.LineRequest{Item: "latte"}
	line.ProtoReflect().SetUnknown(protoreflect.RawFields{0x98, 0x06, 0x01}) // field 99 is 1
	ctx, _ := with(t.Context(), ada)
	_, err := pb.NewHubClient(clients["HTTP/2.0"], url).PlaceOrder(ctx, &pb.PlaceOrderRequest{Items: []*pb.LineRequest{line}})
	wantRPC(t, err, connect.CodeInvalidArgument, event.UnknownField, "")
}

// No member of an answer is lost on its way through a message, and none is
// added.
func TestMessagesKeepEverything(t *testing.T) {
	s := newSite(t)
	ada, bob, root := s.as(auth.Customer, "ada"), s.as(auth.Barista, "bob"), s.as(auth.Admin, "root")
	id := s.do("POST", "/v1/orders", latte, ada).order(t).ID
	s.do("POST", "/v1/menu/latte/availability", `{"available":false,"remaining":0}`, bob)
	for _, c := range []struct {
		name string
		r    response
		into proto.Message
	}{
		{"hub", s.do("GET", "/v1/hub", ""), &pb.HubAnswer{}},
		{"menu", s.do("GET", "/v1/menu", ""), &pb.MenuAnswer{}},
		{"order", s.do("GET", "/v1/orders/"+id, "", ada), &pb.OrderAnswer{}},
		{"declined", s.do("POST", "/v1/orders/"+id+"/decline", `{"reason":"other"}`, bob), &pb.OrderAnswer{}},
		{"orders", s.do("GET", "/v1/orders", "", ada), &pb.OrdersAnswer{}},
		{"no orders", s.do("GET", "/v1/orders", "", bob), &pb.OrdersAnswer{}},
		{"item", s.do("PUT", "/v1/menu/tap", `{"name":"Tap water","category":"Water","price":{"amount":0,"currency":"EUR"},"allergens":[]}`, root), &pb.ItemAnswer{}},
		{"posted", s.do("POST", "/v1/announcements", `{"text":"Hello","until":"2099-01-01T00:00:00Z"}`, root), nil},
		{"bounded", s.do("POST", "/v1/announcements", `{"text":"Hello"}`, bob), &pb.AnnouncementAnswer{}},
		{"announcements", s.do("GET", "/v1/announcements", ""), &pb.AnnouncementsAnswer{}},
		{"screen", s.do("POST", "/v1/screens", `{"code":"482913","name":"Kitchen"}`, bob), &pb.ScreenAnswer{}},
		{"retired", s.do("DELETE", "/v1/menu/tap", "", root), &pb.DoneAnswer{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.into == nil { // refused, so a problem
				c.into = &pb.Problem{}
			}
			if err := protojson.Unmarshal(c.r.body, c.into); err != nil {
				t.Fatalf("%d %s: %v", c.r.status, c.r.body, err)
			}
			b, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(c.into)
			if err != nil {
				t.Fatal(err)
			}
			want, got := members(t, c.r.body), members(t, b)
			if diff := cmp.Diff(want, dropEmptyLists(got, want)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func members(t *testing.T, b []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// dropEmptyLists drops the empty lists from got that like does not have:
// repeated fields cannot be absent.
func dropEmptyLists(got, like any) any {
	switch got := got.(type) {
	case map[string]any:
		like, _ := like.(map[string]any)
		for k, v := range got {
			if _, has := like[k]; !has {
				if list, ok := v.([]any); ok && len(list) == 0 {
					delete(got, k)
					continue
				}
			}
			got[k] = dropEmptyLists(v, like[k])
		}
	case []any:
		like, _ := like.([]any)
		for i := range got {
			if i < len(like) {
				got[i] = dropEmptyLists(got[i], like[i])
			}
		}
	}
	return got
}

// The schema is one that this package serves: every method is in the core and
// has a path, every field has one name in JSON and in the schema, and a kind
// that requests can be checked against.
func TestSchemaIsServed(t *testing.T) {
	a := New(Config{})
	methods := service().Methods()
	if methods.Len() != len(a.core) {
		t.Errorf("the core has %d methods, the schema %d", len(a.core), methods.Len())
	}
	for i := range methods.Len() {
		name, served := methods.Get(i).Name(), a.core[methods.Get(i).Name()]
		if served.core == nil || served.request.Descriptor() != methods.Get(i).Input() || served.answer.Descriptor() != methods.Get(i).Output() {
			t.Errorf("%s is not served with its messages", name)
		}
		if !strings.HasPrefix(a.routes[name].pattern, "/v1/") {
			t.Errorf("%s has no path", name)
		}
	}
	messages := pb.File_hub_proto.Messages()
	for i := range messages.Len() {
		fields := messages.Get(i).Fields()
		for j := range fields.Len() {
			f := fields.Get(j)
			if f.JSONName() != string(f.Name()) {
				t.Errorf("%s is %s in JSON", f.FullName(), f.JSONName())
			}
			switch f.Kind() {
			case protoreflect.StringKind, protoreflect.BoolKind, protoreflect.Int32Kind, protoreflect.MessageKind:
			default:
				t.Errorf("%s is of kind %s", f.FullName(), f.Kind())
			}
		}
	}
}
