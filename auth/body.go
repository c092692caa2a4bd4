package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"unicode/utf8"

	"everything.local/event"
)

// maxBody bounds the bodies of this package's requests. They are some hundred
// bytes; a token pasted with the page around it shall still be told so.
const maxBody = 64 << 10

// readJSON reads the one JSON object that r's body must be into dst. Errors
// have the codes TooLarge, RequestTimeout, BadText (not UTF-8), UnknownField
// and Malformed.
func readJSON(w http.ResponseWriter, r *http.Request, dst any) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return event.Errorf(event.TooLarge, "the body is over %d KiB; nothing sent here needs that", maxBody>>10)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return event.Errorf(event.RequestTimeout, "the body did not arrive in time; try again")
		}
		return event.Errorf(event.Malformed, "the body broke off; try again")
	}
	return parseJSON(body, dst)
}

func parseJSON(body []byte, dst any) error {
	// encoding/json would replace what is not UTF-8 without a word.
	if !utf8.Valid(body) {
		return event.Errorf(event.BadText, "the body is not UTF-8 text")
	}
	if b := bytes.TrimLeft(body, " \t\r\n"); len(b) == 0 || b[0] != '{' {
		return event.Errorf(event.Malformed, `the body must be a JSON object, like {"name":"Ada"}`)
	}
	if err := checkMembers(body, dst); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(dst); err != nil {
		return explainJSON(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return event.Errorf(event.Malformed, "the body must be one JSON object; something follows it")
	}
	return nil
}

// checkMembers refuses what encoding/json is lenient about: a member given
// twice, of which it takes the last where another reader takes the first, and
// one spelt in other letters. dst points to a struct with a json tag on each
// field.
func checkMembers(body []byte, dst any) error {
	known := map[string]bool{}
	for field := range reflect.TypeOf(dst).Elem().Fields() {
		known[field.Tag.Get("json")] = true
	}
	d := json.NewDecoder(bytes.NewReader(body))
	_, _ = d.Token() // the brace
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return explainJSON(err)
		}
		name, _ := token.(string) // names are nothing else
		switch {
		case !known[name]:
			return errUnknownField(name)
		case seen[name]:
			return event.Errorf(event.Malformed, "%s is given more than once; send it once", event.Quote(name)).At(name)
		}
		seen[name] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return explainJSON(err)
		}
	}
	return nil
}

func errUnknownField(name string) error {
	return event.Errorf(event.UnknownField, "there is no field %s here; check how it is spelt", event.Quote(name)).At(clip(name))
}

func explainJSON(err error) error {
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return event.Errorf(event.Malformed, "this field must be text in quotes, not a %s", e.Value).At(e.Field)
	}
	return event.Errorf(event.Malformed, `the body is not JSON; it must be like {"name":"Ada"}`)
}

// clip bounds a field name that the caller made up.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// writeJSON answers with v, which no cache may keep: it is one caller's.
func writeJSON(w http.ResponseWriter, v any) {
	noStore(w)
	w.Header().Set("Content-Type", "application/json")
	// What is sent here always marshals; a caller who is gone needs no answer.
	_ = json.NewEncoder(w).Encode(v)
}

func noStore(w http.ResponseWriter) { w.Header().Set("Cache-Control", "no-store") }
