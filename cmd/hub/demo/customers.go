package demo

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// names are the regulars of the demo.
var names = strings.Fields("Ada Grace Linus Barbara Edsger Radia Ken Frances Dennis Joan Alan Hedy Niklaus Margaret Donald Katherine Tony Adele Leslie Shafi Vint Anita Butler Karen")

// regulars are the customers of the demo, who come again and again.
type regulars struct {
	config Config
	tokens []string
}

func newRegulars(c Config) (*regulars, error) {
	r := &regulars{config: c}
	for _, name := range names {
		token, err := c.Token("customer", "demo-"+strings.ToLower(name))
		if err != nil {
			return nil, err
		}
		r.tokens = append(r.tokens, token)
	}
	return r, nil
}

// visit is one customer coming in.
type visit struct {
	config Config
	name   string
	token  string
	rand   *rand.Rand
}

// next is whoever comes in now. It is called by one goroutine.
func (r *regulars) next() visit {
	i := r.config.Rand.IntN(len(names))
	return visit{r.config, names[i], r.tokens[i], rand.New(rand.NewPCG(r.config.Rand.Uint64(), 0))}
}

type menu struct {
	Items []item `json:"items"`
}

type item struct {
	ID        string   `json:"id"`
	Available bool     `json:"available"`
	Sizes     []choice `json:"sizes"`
	Options   []struct {
		Choices []choice `json:"choices"`
	} `json:"options"`
}

type choice struct {
	ID        string `json:"id"`
	Available bool   `json:"available"`
}

type line struct {
	Item     string   `json:"item"`
	Size     string   `json:"size,omitempty"`
	Options  []string `json:"options,omitempty"`
	Quantity int      `json:"quantity"`
}

type wish struct {
	Name  string `json:"name"`
	Items []line `json:"items"`
	Note  string `json:"note,omitempty"`
}

// order reads the menu, orders from it, and sometimes thinks better of it.
func (v visit) order(ctx context.Context) error {
	var m menu
	if err := call(ctx, v.config, v.token, http.MethodGet, "/v1/menu", nil, &m); err != nil {
		return err
	}
	w := wish{Name: v.name}
	for range 1 + v.rand.IntN(2)*v.rand.IntN(3) {
		if l, ok := v.pick(m.Items); ok {
			w.Items = append(w.Items, l)
		}
	}
	if len(w.Items) == 0 {
		return nil // everything is sold out: out again
	}
	if v.rand.IntN(8) == 0 {
		w.Note = []string{"extra hot", "no lid please", "for here", "not too sweet"}[v.rand.IntN(4)]
	}
	var placed struct {
		Order struct {
			ID string `json:"id"`
		} `json:"order"`
	}
	if err := call(ctx, v.config, v.token, http.MethodPost, "/v1/orders", w, &placed); err != nil {
		return err
	}
	if v.rand.IntN(25) > 0 {
		return nil
	}
	if err := pause(ctx, 3*time.Second, v.config.Speed); err != nil {
		return err
	}
	err := call(ctx, v.config, v.token, http.MethodPost, "/v1/orders/"+placed.Order.ID+"/cancel", struct{}{}, nil)
	if isCode(err, "illegal_transition") { // already being made: they take it
		return nil
	}
	return err
}

// pick chooses something to drink or eat.
func (v visit) pick(items []item) (line, bool) {
	i := items[v.rand.IntN(len(items))]
	if !i.Available {
		return line{}, false
	}
	l := line{Item: i.ID, Quantity: 1 + v.rand.IntN(8)/7}
	if n := len(i.Sizes); n > 0 {
		l.Size = i.Sizes[v.rand.IntN(n)].ID
	}
	for _, group := range i.Options {
		if c := group.Choices[v.rand.IntN(len(group.Choices))]; c.Available && v.rand.IntN(3) == 0 {
			l.Options = append(l.Options, c.ID)
		}
	}
	return l, true
}

func isCode(err error, code string) bool {
	r, ok := errors.AsType[*refused](err)
	return ok && r.Code == code
}
