package api

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// route is a method's REST form, from its google.api.http annotation.
type route struct {
	name protoreflect.Name
	// method and pattern are as net/http's mux takes them: {field} is a field
	// of the request.
	method, pattern string
	// body is "*" when the body is the request without its path fields, the
	// name of the field that the body is, or "" for no body.
	body  string
	input protoreflect.MessageType
	// path are the fields in the pattern.
	path []protoreflect.FieldDescriptor
}

var inPath = regexp.MustCompile(`\{(\w+)\}`)

// routesOf returns the REST forms of a service's methods. It panics on a
// schema that it does not serve, which a test would have found.
func routesOf(service protoreflect.ServiceDescriptor) map[protoreflect.Name]*route {
	routes := map[protoreflect.Name]*route{}
	methods := service.Methods()
	for i := range methods.Len() {
		m := methods.Get(i)
		routes[m.Name()] = routeOf(m)
	}
	return routes
}

func routeOf(m protoreflect.MethodDescriptor) *route {
	rule, ok := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
	if !ok || rule == nil {
		panic("api: no google.api.http for " + m.FullName())
	}
	input, err := protoregistry.GlobalTypes.FindMessageByName(m.Input().FullName())
	if err != nil {
		panic(err)
	}
	r := &route{name: m.Name(), body: rule.GetBody(), input: input}
	r.method, r.pattern = verb(rule)
	for _, match := range inPath.FindAllStringSubmatch(r.pattern, -1) {
		fd := m.Input().Fields().ByName(protoreflect.Name(match[1]))
		if fd == nil || fd.Kind() != protoreflect.StringKind {
			panic("api: no text field for " + match[0] + " of " + string(m.FullName()))
		}
		r.path = append(r.path, fd)
	}
	return r
}

func verb(rule *annotations.HttpRule) (method, pattern string) {
	switch p := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return http.MethodGet, p.Get
	case *annotations.HttpRule_Put:
		return http.MethodPut, p.Put
	case *annotations.HttpRule_Post:
		return http.MethodPost, p.Post
	case *annotations.HttpRule_Delete:
		return http.MethodDelete, p.Delete
	}
	panic("api: a google.api.http that is neither get, put, post nor delete")
}

// of returns the path of a request, so that a command has the same identity
// whichever wire it came on.
func (r *route) of(req proto.Message) string {
	return inPath.ReplaceAllStringFunc(r.pattern, func(braced string) string {
		name := protoreflect.Name(braced[1 : len(braced)-1])
		m := req.ProtoReflect()
		return url.PathEscape(m.Get(m.Descriptor().Fields().ByName(name)).String())
	})
}

func (r *route) inPath(fd protoreflect.FieldDescriptor) bool {
	return slices.Contains(r.path, fd)
}
