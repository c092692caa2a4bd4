package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"everything.local/event"
	pb "everything.local/proto"
)

// requestKey is under which bounded keeps the HTTP request for serve: who is
// calling follows from it.
type requestKey struct{}

// rpc adds the methods over Connect, gRPC and gRPC-Web to mux.
func (a *API) rpc(mux *http.ServeMux) {
	for name, m := range a.core {
		procedure := "/" + string(service().FullName()) + "/" + string(name)
		mux.Handle(procedure, a.bounded(m, m.rpc(procedure,
			connect.WithSchema(service().Methods().ByName(name)),
			connect.WithCodec(strictJSON{}),
			connect.WithReadMaxBytes(maxBody),
		)))
	}
}

// serve answers an RPC with what the core answers, made into out.
func serve(ctx context.Context, a *API, name protoreflect.Name, req, out proto.Message) error {
	r := ctx.Value(requestKey{}).(*http.Request).WithContext(ctx)
	ans, err := a.answerRPC(r, name, req, out)
	if err != nil {
		return rpcError(r, a, err)
	}
	if info, ok := connect.CallInfoForHandlerContext(ctx); ok {
		info.ResponseHeader().Set("Hub-Cursor", ans.cursor.String())
	}
	return nil
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
// the request for serve. All methods are unary, so a body is one message. What
// is wrong with a plain JSON one is told here: Connect takes no code or detail
// from a codec.
func (a *API) bounded(m method, next http.Handler) http.Handler {
	errs := connect.NewErrorWriter()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := a.readBody(w, r)
		if err == nil && plainJSON(r) {
			err = decodeJSON(body, m.request.New().Interface())
		}
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

// plainJSON reports whether r is a Connect request with a JSON body as it is,
// neither packed nor framed.
func plainJSON(r *http.Request) bool {
	typ, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	packed := r.Header.Get("Content-Encoding")
	return err == nil && typ == "application/json" && (packed == "" || packed == "identity")
}

// strictJSON is Connect's JSON codec with REST's strictness.
type strictJSON struct{}

// Name is by which Connect chooses the codec.
func (strictJSON) Name() string { return "json" }

// Marshal writes an answer.
func (strictJSON) Marshal(m any) ([]byte, error) { return protojson.Marshal(m.(proto.Message)) }

// Unmarshal reads a request.
func (strictJSON) Unmarshal(b []byte, m any) error { return decodeJSON(b, m.(proto.Message)) }
