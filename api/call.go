package api

import (
	"context"
	"errors"
	"net/http"
	"path"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"everything.local/auth"
	"everything.local/event"
)

// Identifier says who is calling; *auth.Auth is one.
type Identifier interface {
	// Identify returns who sent r, anonymous when it does not say. Errors are
	// *event.Error with code BadToken or TokenExpired, or Forbidden for a
	// ticket that is for feeds only.
	Identify(r *http.Request) (auth.Identity, error)
}

// method is a method of the schema, as each wire serves it.
type method struct {
	// core answers a request on any wire.
	core func(context.Context, *call, proto.Message) (answer, error)
	// rpc makes the handler for Connect, gRPC and gRPC-Web.
	rpc func(procedure string, opts ...connect.HandlerOption) *connect.Handler
	// request and answer are the types of its messages.
	request, answer protoreflect.MessageType
}

// handle makes a method with messages of the types Req and Ans of what answers
// it.
func handle[Req, Ans any, ReqP message[Req], AnsP message[Ans]](a *API, f func(context.Context, *call, ReqP) (answer, error)) method {
	return method{
		core: func(ctx context.Context, c *call, req proto.Message) (answer, error) {
			return f(ctx, c, req.(ReqP))
		},
		rpc: func(procedure string, opts ...connect.HandlerOption) *connect.Handler {
			name := protoreflect.Name(path.Base(procedure))
			return connect.NewUnaryHandlerSimple(procedure, func(ctx context.Context, req *Req) (*Ans, error) {
				ans := new(Ans)
				return ans, serve(ctx, a, name, ReqP(req), AnsP(ans))
			}, opts...)
		},
		request: ReqP(nil).ProtoReflect().Type(),
		answer:  AnsP(nil).ProtoReflect().Type(),
	}
}

// message is a generated message's pointer.
type message[M any] interface {
	*M
	proto.Message
}

// answer is what a method answers with on every wire.
type answer struct {
	// body is marshalled by encoding/json; its members are the schema's.
	body   any
	cursor event.Cursor
	// created says that something was made; location is its path, if it has
	// one.
	created  bool
	location string
}

// call is a request beside what its message says.
type call struct {
	// r has the headers; its body is read.
	r    *http.Request
	auth Identifier
	// method and path are those of the REST form, on any wire.
	method, path string
}

// invoke runs a method of the core for a request that has been read.
func (a *API) invoke(r *http.Request, rt *route, req proto.Message) (answer, error) {
	c := &call{r: r, auth: a.cfg.Auth, method: rt.method, path: rt.of(req)}
	after, err := c.after()
	if err != nil {
		return answer{}, err
	}
	if err := a.await(r.Context(), after); err != nil {
		return answer{}, err
	}
	return a.core[rt.name].core(r.Context(), c, req)
}

// caller returns who is calling if they may do action, perhaps only to what is
// their own.
func (c *call) caller(action auth.Action) (auth.Identity, error) {
	id, err := c.auth.Identify(c.r)
	if err != nil {
		return auth.Identity{}, err
	}
	return id, id.May(action)
}

// after is the position that the caller wants to see at least; zero for any.
func (c *call) after() (event.Cursor, error) {
	given := c.r.Header.Get("Hub-Cursor")
	if given == "" {
		return event.Cursor{}, nil
	}
	cursor, err := event.ParseCursor(given)
	if e, ok := errors.AsType[*event.Error](err); ok {
		return cursor, e.At("Hub-Cursor")
	}
	return cursor, err
}

// maxKey bounds an Idempotency-Key: a UUID has 36 characters.
const maxKey = 128

// key returns the Idempotency-Key, or a random one for a request that cannot
// be sent again.
func (c *call) key() (string, error) {
	given, ok := c.r.Header["Idempotency-Key"]
	if !ok {
		return event.NewID(), nil
	}
	if len(given) != 1 || !printable(given[0]) {
		return "", event.Errorf(event.Invalid, "an Idempotency-Key is 1 to %d printable ASCII characters, given once; a random UUID is a good one", maxKey).At("Idempotency-Key")
	}
	return given[0], nil
}

func printable(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return s != "" && len(s) <= maxKey
}
