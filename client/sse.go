package client

import (
	"bytes"
	"context"
)

// sse is a feed with a frame in each event (HTML, section 9.2). Its ids are the
// frames' cursors, and so are not looked at.
type sse struct{ answer }

func openSSE(ctx context.Context, c *Client, p Protocol, ask subscription) (feed, error) {
	a, err := get(ctx, c, p, ask, "text/event-stream")
	if err != nil {
		return nil, err
	}
	return sse{a}, nil
}

// next returns the data of the next event that has any: one that the feed's end
// cut short is none.
func (f sse) next() ([]byte, error) {
	var data []byte
	has := false
	for {
		line, err := f.lines.next()
		if err != nil {
			return nil, err
		}
		if len(line) == 0 {
			if has {
				return data, nil
			}
			continue
		}
		value, ok := bytes.CutPrefix(line, []byte("data:"))
		if !ok {
			continue // an id, a comment
		}
		if has {
			data = append(data, '\n')
		}
		has = true
		data = append(data, bytes.TrimPrefix(value, []byte(" "))...)
		if len(data) > maxFrame {
			return nil, errFrame
		}
	}
}
