package client

import "context"

// ndjson is a feed with a frame in each line.
type ndjson struct{ answer }

func openNDJSON(ctx context.Context, c *Client, p Protocol, ask subscription) (feed, error) {
	a, err := get(ctx, c, p, ask, "application/x-ndjson")
	if err != nil {
		return nil, err
	}
	return ndjson{a}, nil
}

func (f ndjson) next() ([]byte, error) { return f.frame() }
