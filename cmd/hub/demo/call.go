package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// call gives a command as JSON and decodes the answer into out.
func call(ctx context.Context, c Config, token, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.URL+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := c.Client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		return refusal(method, path, answer)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(answer.Body).Decode(out)
}

// refused is a problem that the hub answered with.
type refused struct {
	Method, Path string
	Status       int
	Code, Detail string
}

func (e *refused) Error() string {
	return fmt.Sprintf("%s %s: %d %s: %s", e.Method, e.Path, e.Status, e.Code, e.Detail)
}

func refusal(method, path string, answer *http.Response) error {
	e := &refused{Method: method, Path: path, Status: answer.StatusCode}
	_ = json.NewDecoder(io.LimitReader(answer.Body, 16<<10)).Decode(e) // the status says enough without
	return e
}
