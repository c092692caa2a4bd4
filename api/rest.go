package api

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"everything.local/event"
)

// maxBody bounds a request's body: an item with every choice it may have is a
// quarter of it.
const maxBody = 64 << 10

// rest serves a method of the schema by its REST form.
func (a *API) rest(rt *route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := a.restBody(w, r, rt)
		if err != nil {
			writeProblem(w, r, a.cfg.Logger, err)
			return
		}
		req, err := rt.decode(body, r.URL.RawQuery, r.PathValue)
		if err != nil {
			writeProblem(w, r, a.cfg.Logger, err)
			return
		}
		ans, err := a.invoke(r, rt, req)
		if err != nil {
			writeProblem(w, r, a.cfg.Logger, err)
			return
		}
		a.writeAnswer(w, r, ans)
	})
}

func (a *API) restBody(w http.ResponseWriter, r *http.Request, rt *route) ([]byte, error) {
	if rt.body == "" {
		return nil, nil
	}
	body, err := a.readBody(w, r)
	if err != nil || len(body) == 0 {
		return nil, err
	}
	// A form that a foreign page sends cannot have this type.
	if typ, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || typ != "application/json" {
		return nil, event.Errorf(event.Malformed, "send the body as JSON, with Content-Type: application/json").At("Content-Type")
	}
	return body, nil
}

// readBody reads a body of at most maxBody bytes that arrives within
// Config.BodyWithin. After an error the read deadline stays, so that the server
// does not wait for the rest of it either.
func (a *API) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	// Where no deadline can be set there is no connection to wait for.
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(a.cfg.BodyWithin))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		_ = c.SetReadDeadline(time.Time{})
		return body, nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, event.Errorf(event.TooLarge, "the body of a request has at most %d KiB", maxBody>>10)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, event.Errorf(event.RequestTimeout, "the request did not arrive whole within %v; send it again", a.cfg.BodyWithin)
	}
	return nil, event.Errorf(event.Malformed, "the request ended before its body did; send it again")
}

func (a *API) writeAnswer(w http.ResponseWriter, r *http.Request, ans answer) {
	body, err := json.Marshal(ans.body)
	if err != nil {
		writeProblem(w, r, a.cfg.Logger, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Hub-Cursor", ans.cursor.String())
	if ans.location != "" {
		h.Set("Location", ans.location)
	}
	status := http.StatusOK
	if ans.created {
		status = http.StatusCreated
	}
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client may have gone
}

// noSuchPath answers for what mux has no handler for below /v1/: a path that
// exists for other methods, or none.
func (a *API) noSuchPath(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if allowed := allowed(mux, r); len(allowed) > 0 {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			writeProblem(w, r, a.cfg.Logger, event.Errorf(event.MethodNotAllowed, "%s is not for %s; it takes %s",
				event.Quote(r.URL.Path), event.Quote(r.Method), strings.Join(allowed, ", ")))
			return
		}
		writeProblem(w, r, a.cfg.Logger, event.Errorf(event.NotFound, "there is nothing at %s; /openapi.yaml lists what there is", event.Quote(r.URL.Path)))
	})
}

// allowed returns the methods that mux has a more specific handler for.
func allowed(mux *http.ServeMux, r *http.Request) []string {
	var methods []string
	for _, m := range []string{"DELETE", "GET", "HEAD", "POST", "PUT"} {
		other := r.Clone(r.Context())
		other.Method = m
		if _, pattern := mux.Handler(other); pattern != "/v1/" && pattern != "" && !slices.Contains(methods, m) {
			methods = append(methods, m)
		}
	}
	return methods
}

// RefuseEarlyData answers 425 to everything but GET and HEAD that arrives in
// TLS early data, which an attacker may send again (RFC 8470). What comes
// after the handshake passes to next.
func RefuseEarlyData(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		early := r.TLS != nil && !r.TLS.HandshakeComplete
		if early && r.Method != http.MethodGet && r.Method != http.MethodHead {
			WriteError(w, r, event.Errorf(event.TooEarly, "this came before the connection was safe from replays; send it again on the same connection"))
			return
		}
		next.ServeHTTP(w, r)
	})
}
