package client

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// answer is the response that a feed comes in as its body.
type answer struct {
	*http.Response
	lines
	*roaming

	over connections
}

// get opens GET /v1/feed over connections of its own.
func get(ctx context.Context, c *Client, p Protocol, ask subscription, accept string) (answer, error) {
	q := url.Values{"topics": {ask.Topics}}
	if ask.After != "" {
		q.Set("after", ask.After)
	}
	if ask.Pace != "" {
		q.Set("pace", string(ask.Pace))
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, ask.base+"/v1/feed?"+q.Encode(), nil)
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Accept", accept)
	if ask.Token != "" {
		r.Header.Set("Authorization", "Bearer "+ask.Token)
	}
	over := c.connect(p, ask.path)
	response, err := c.web(over).Do(r)
	if err != nil {
		over.Close()
		return answer{}, bare(err)
	}
	a := answer{Response: response, lines: newLines(response.Body), over: over}
	if response.StatusCode != http.StatusOK {
		defer a.close()
		return answer{}, refusal(response)
	}
	if on := over.carrier(); on != nil {
		on.beat = on.beatOnRequest
		a.roaming = c.roam(ctx, on, ask.Pace)
	}
	return a, nil
}

func (a answer) protocol() string { return strings.TrimSuffix(a.Proto, ".0") }

func (a answer) roamer() *roamer { return a.keeper() }

func (a answer) close() {
	a.roaming.close()
	_ = a.Body.Close() // a feed is left, not finished
	a.over.Close()
}
