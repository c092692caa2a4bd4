package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"everything.local/event"
)

// decodeJSON reads a JSON object into m, strictly: text must be UTF-8 and
// every member must be one that m has, of its type and given once. Errors say
// where, as a path below at.
func decodeJSON(body []byte, m proto.Message) error {
	if !utf8.Valid(body) {
		return event.Errorf(event.BadText, "the text of this request is not UTF-8; send it in that encoding")
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	value, err := parse(body)
	if err != nil {
		return err
	}
	if err := checkMessage(m.ProtoReflect().Descriptor(), value, ""); err != nil {
		return err
	}
	if err := protojson.Unmarshal(body, m); err != nil {
		// What is left: a member given twice, half a surrogate pair.
		return event.Errorf(event.Malformed, "the body is not clean JSON: give each member once, and text as whole characters")
	}
	return nil
}

func parse(body []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var value any
	err := dec.Decode(&value)
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return value, nil
		}
		return nil, event.Errorf(event.Malformed, "something follows the JSON object; send just one")
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return nil, event.Errorf(event.Malformed, "the body is not JSON; look at its byte %d", syntax.Offset)
	}
	return nil, event.Errorf(event.Malformed, "the body is not JSON; it ends too early")
}

// checkMessage holds a parsed value against the message that it is to become,
// so that what is wrong with it can be named, as protojson does not.
func checkMessage(md protoreflect.MessageDescriptor, value any, at string) error {
	object, ok := value.(map[string]any)
	if !ok {
		return wrongType(at, "an object")
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		where := name
		if at != "" {
			where = at + "." + name
		}
		fd := md.Fields().ByJSONName(name)
		if fd == nil {
			return unknownField(where)
		}
		if err := checkField(fd, object[name], where); err != nil {
			return err
		}
	}
	return nil
}

func checkField(fd protoreflect.FieldDescriptor, value any, at string) error {
	if value == nil {
		return nil // null is absence
	}
	if !fd.IsList() && !isTexts(fd) {
		return checkValue(fd, value, at)
	}
	list, ok := value.([]any)
	if !ok {
		return wrongType(at, "a list")
	}
	for i, element := range list {
		where := fmt.Sprintf("%s[%d]", at, i)
		err := checkValue(fd, element, where)
		if isTexts(fd) {
			err = checkText(element, where)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isTexts reports whether fd is a list of strings that can be absent.
func isTexts(fd protoreflect.FieldDescriptor) bool {
	return fd.Message() != nil && fd.Message().FullName() == "google.protobuf.ListValue"
}

func checkValue(fd protoreflect.FieldDescriptor, value any, at string) error {
	switch fd.Kind() {
	case protoreflect.MessageKind:
		if isTexts(fd) {
			return nil
		}
		return checkMessage(fd.Message(), value, at)
	case protoreflect.StringKind:
		return checkText(value, at)
	case protoreflect.BoolKind:
		if _, ok := value.(bool); !ok {
			return wrongType(at, "true or false")
		}
	case protoreflect.Int32Kind:
		number, _ := value.(json.Number)
		if _, err := strconv.ParseInt(number.String(), 10, 32); err != nil {
			return wrongType(at, "a whole number of at most nine digits")
		}
	default:
		panic("api: a field of kind " + fd.Kind().String() + " in the schema")
	}
	return nil
}

func checkText(value any, at string) error {
	if _, ok := value.(string); !ok {
		return wrongType(at, "text")
	}
	return nil
}

func wrongType(at, want string) error {
	if at == "" {
		return event.Errorf(event.Malformed, "the body must be %s", want)
	}
	return event.Errorf(event.Invalid, "%s must be %s", event.Quote(at), want).At(at)
}

func unknownField(at string) error {
	return event.Errorf(event.UnknownField, "there is no field %s here; leave it out, or correct its name", event.Quote(at)).At(at)
}

// decode reads a REST request: its path, its query and its body.
func (r *route) decode(body []byte, query string, pathValue func(string) string) (proto.Message, error) {
	req := r.input.New()
	if err := r.decodeBody(body, req); err != nil {
		return nil, err
	}
	if err := r.decodeQuery(query, req); err != nil {
		return nil, err
	}
	for _, fd := range r.path {
		if err := setText(req, fd, pathValue(string(fd.Name()))); err != nil {
			return nil, err
		}
	}
	return req.Interface(), nil
}

func (r *route) decodeBody(body []byte, req protoreflect.Message) error {
	switch r.body {
	case "":
		return nil
	case "*":
		if err := decodeJSON(body, req.Interface()); err != nil {
			return err
		}
		for _, fd := range r.path {
			if req.Has(fd) {
				return unknownField(fd.JSONName())
			}
		}
		return nil
	}
	fd := req.Descriptor().Fields().ByName(protoreflect.Name(r.body))
	return decodeJSON(body, req.Mutable(fd).Message().Interface())
}

// decodeQuery sets fields from the query string, those that neither the path
// nor the body has.
func (r *route) decodeQuery(query string, req protoreflect.Message) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return event.Errorf(event.Malformed, "the part of the address after the question mark is not well formed")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fd := req.Descriptor().Fields().ByJSONName(name)
		if fd == nil || fd.Message() != nil || r.inPath(fd) || r.body == "*" {
			return unknownField(name)
		}
		if len(values[name]) > 1 && !fd.IsList() {
			return event.Errorf(event.Invalid, "%s is given more than once", event.Quote(name)).At(name)
		}
		for _, text := range values[name] {
			if err := setText(req, fd, text); err != nil {
				return err
			}
		}
	}
	return nil
}

// setText sets a field from text, or adds to it when it is a list.
func setText(req protoreflect.Message, fd protoreflect.FieldDescriptor, text string) error {
	value, err := coerce(fd, text)
	if err != nil {
		return err
	}
	if fd.IsList() {
		req.Mutable(fd).List().Append(value)
	} else {
		req.Set(fd, value)
	}
	return nil
}

func coerce(fd protoreflect.FieldDescriptor, text string) (protoreflect.Value, error) {
	name := fd.JSONName()
	switch fd.Kind() {
	case protoreflect.BoolKind:
		if text == "true" || text == "false" {
			return protoreflect.ValueOfBool(text == "true"), nil
		}
		return protoreflect.Value{}, wrongType(name, "true or false")
	case protoreflect.Int32Kind:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return protoreflect.Value{}, wrongType(name, "a whole number of at most nine digits")
		}
		return protoreflect.ValueOfInt32(int32(n)), nil
	}
	if !utf8.ValidString(text) {
		return protoreflect.Value{}, event.Errorf(event.BadText, "the text of %s is not UTF-8", name).At(name)
	}
	return protoreflect.ValueOfString(text), nil
}
