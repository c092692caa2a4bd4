package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// reply is what a request was answered with.
type reply struct {
	status int
	media  string
	header http.Header
	// body is the whole of an answer that is no feed.
	body func() ([]byte, error)
	// next is the next frame of a feed, io.EOF when the hub has ended it.
	next  func() ([]byte, error)
	close func()
}

// compare compares an answer with what is expected of it, and keeps what it
// says for the requests that follow.
func (r *reader) compare(want expected, a reply) error {
	if a.status != want.status || want.media != "" && a.media != want.media {
		what, _ := a.text()
		return fmt.Errorf("answered %d %s, not %d %s: %s", a.status, a.media, want.status, want.media, what)
	}
	r.keepHeader(a.header)
	want.shape = r.fill(want.shape)
	if a.next != nil {
		w, err := newWatching(want)
		if err != nil {
			return err
		}
		return r.follow(w, a)
	}
	if len(want.frames) > 0 {
		return errors.New("it is no feed")
	}
	body, err := a.body()
	if err != nil || want.shape == "" {
		return err
	}
	shape, err := example(want.shape)
	if err != nil {
		return err
	}
	var got any
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("%w: %s", err, body)
	}
	if a.status < http.StatusBadRequest {
		r.keep(got)
	}
	return alike(shape, got, "the answer")
}

// text is the whole answer, for an error.
func (a reply) text() ([]byte, error) {
	if a.body == nil {
		return nil, nil
	}
	return a.body()
}

// keep takes over what an answer says of things that later requests name.
func (r *reader) keep(answer any) {
	said, _ := answer.(map[string]any)
	if said["order"] != nil {
		r.says["BEFORE"] = r.says["CURSOR"]
	}
	for variable, member := range map[string]string{
		"CURSOR": "cursor", "TICKET": "ticket", "CODE": "code", "DEVICE": "device",
		"ORDER": "order.id", "CUSTOMER": "order.customer",
	} {
		from := said
		name := member
		if outer, inner, ok := strings.Cut(member, "."); ok {
			from, _ = said[outer].(map[string]any)
			name = inner
		}
		if s, ok := from[name].(string); ok && s != "" {
			r.says[variable] = s
		}
	}
}

// keepHeader takes over a session.
func (r *reader) keepHeader(h http.Header) {
	for _, c := range (&http.Response{Header: h}).Cookies() {
		if c.Name == "__Host-hub" {
			r.says["SESSION"] = c.Value
		}
	}
}

// follow reads a feed until all has come that is expected.
func (r *reader) follow(w *watching, a reply) error {
	for !w.done() {
		line, err := a.next()
		switch {
		case err == nil:
			err = r.hear(w, line)
		case errors.Is(err, io.EOF):
			err = w.take("end", nil)
		}
		if err != nil {
			return fmt.Errorf("after %v of %v: %w", w.came, w.kinds, errors.Join(err, w.why))
		}
	}
	return nil
}

// hear takes a frame.
func (r *reader) hear(w *watching, line []byte) error {
	var frame map[string]any
	if err := json.Unmarshal(line, &frame); err != nil {
		return fmt.Errorf("frame %q: %w", line, err)
	}
	kind := kindOf(frame)
	if frame["topic"] == nil { // what commits a topic alone is not asked for again
		r.keep(frame)
	}
	if kind == "live" && slices.Contains(w.kinds, "goaway") {
		if err := r.stop(); err != nil {
			return err
		}
	}
	return w.take(kind, frame)
}

// watching compares the frames of a feed with those that are expected.
type watching struct {
	kinds  []string
	shapes []map[string]any
	came   []string
	why    error
}

func newWatching(want expected) (*watching, error) {
	w := &watching{kinds: want.frames}
	for line := range strings.Lines(want.shape) {
		v, err := example(line)
		shape, ok := v.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("the example %q is no frame: %w", line, err)
		}
		w.shapes = append(w.shapes, shape)
		if kind := kindOf(shape); len(want.frames) == 0 && (len(w.kinds) == 0 || w.kinds[len(w.kinds)-1] != kind) {
			w.kinds = append(w.kinds, kind)
		}
	}
	if len(w.kinds) == 0 {
		return nil, errors.New("the document does not say what frames come")
	}
	return w, nil
}

// take takes a frame, or the end. Frames of one kind in a row count once.
func (w *watching) take(kind string, frame map[string]any) error {
	if n := len(w.came); n == 0 || w.came[n-1] != kind {
		if n < len(w.kinds) && w.kinds[n] != kind {
			return fmt.Errorf("%s %v instead of %s", kind, frame, w.kinds[n])
		}
		if n >= len(w.kinds) {
			return fmt.Errorf("no frame like %v came", w.shapes[0])
		}
		w.came = append(w.came, kind)
	}
	if len(w.shapes) > 0 && frame != nil {
		if err := sameFrame(w.shapes[0], frame); err == nil {
			w.shapes = w.shapes[1:]
		} else if kind == kindOf(w.shapes[0]) {
			w.why = err
		}
	}
	return nil
}

// done reports whether all has come.
func (w *watching) done() bool { return len(w.came) == len(w.kinds) && len(w.shapes) == 0 }
