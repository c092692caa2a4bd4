package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	pb "everything.local/proto"
)

const (
	// tryWithin bounds one try: a hub waits 10 s for its log to elect a leader.
	tryWithin = 12 * time.Second
	// rideWithin is the same where the feed's connection may be the reason; the
	// next try is over one of the commands' own.
	rideWithin = 3 * time.Second
	// patience is how long a command is sent again before its caller is told.
	patience = 15 * time.Second
	// maxAnswer bounds an answer: a menu of 500 items has half of that.
	maxAnswer = 4 << 20
)

// request is one that is answered with JSON.
type request struct {
	method, path string
	// in and out are protocol buffers of the schema, or what encoding/json
	// takes; nil for none.
	in, out any
	// raw, if not nil, is where the answer's JSON goes.
	raw *[]byte
	// key is the Idempotency-Key of a command.
	key string
	// base is the hub to ask, over a connection of the commands' own; empty for
	// the one that is spoken to, along with its feed if that carries commands.
	base string
}

// command gives a command: its key is made once, and so it takes effect once.
func (c *Client) command(ctx context.Context, path string, in proto.Message) (OrderAnswer, error) {
	a := OrderAnswer{OrderAnswer: new(pb.OrderAnswer)}
	err := c.persist(ctx, request{method: http.MethodPost, path: path, in: in, out: a.OrderAnswer, raw: &a.Raw, key: rand.Text()})
	return a, err
}

// persist makes a request until it is answered. What was refused for good comes
// back at once; after patience or the end of ctx the last failure does, and
// then a command may or may not have taken effect.
func (c *Client) persist(ctx context.Context, r request) error {
	until := time.Now().Add(patience)
	wait := backoff{most: mostWait}
	for {
		err := c.call(ctx, r)
		if err == nil || !again(err) {
			return err
		}
		pause := wait.next()
		if refused, ok := errors.AsType[*Error](err); ok {
			pause = max(pause, refused.RetryAfter)
		}
		if time.Now().Add(pause).After(until) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// again reports whether a request that failed with err may succeed unchanged.
func again(err error) bool {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused.Temporary()
	}
	_, ok := errors.AsType[*tokenError](err)
	return !ok && !Untrusted(err)
}

// call makes a request once.
func (c *Client) call(ctx context.Context, q request) error {
	asked := ctx
	base, over, within := c.route(q.base)
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	r, err := c.prepare(ctx, base, q)
	if err != nil {
		return err
	}
	response, err := c.web(over).Do(r)
	if err != nil {
		if asked.Err() == nil && !Untrusted(err) {
			c.lost(base)
			c.dismount(over)
		}
		return bare(err)
	}
	defer response.Body.Close()
	c.found(base)
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return refusal(response)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil || q.out == nil {
		return err
	}
	if q.raw != nil {
		*q.raw = bytes.TrimSpace(body)
	}
	if err := decode(body, q.out); err != nil {
		return fmt.Errorf("the answer to %s %s: %w", q.method, q.path, err)
	}
	return nil
}

func (c *Client) prepare(ctx context.Context, base string, q request) (*http.Request, error) {
	var body io.Reader
	if q.in != nil {
		b, err := encode(q.in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, q.method, base+q.path, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	if q.in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if q.key != "" {
		r.Header.Set("Idempotency-Key", q.key)
	}
	token, err := c.token(ctx)
	if err != nil {
		return nil, err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r, nil
}

func encode(in any) ([]byte, error) {
	if m, ok := in.(proto.Message); ok {
		return protojson.Marshal(m)
	}
	return json.Marshal(in)
}

// decode leaves out what a newer hub says beyond the schema.
func decode(body []byte, out any) error {
	if m, ok := out.(proto.Message); ok {
		return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(body, m)
	}
	return json.Unmarshal(body, out)
}
