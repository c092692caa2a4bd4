package auth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"everything.local/event"
)

// Pairings says which screens staff have approved.
type Pairings interface {
	// Approved returns the id of the screen that was approved under code not
	// long ago. It is called by many goroutines.
	Approved(code string) (screen string, ok bool)
}

// Config is what an Auth needs. Keys and WriteError are required.
type Config struct {
	Keys *Keys
	// WriteError answers a request with an error; it owns the table from codes
	// to statuses.
	WriteError func(http.ResponseWriter, *http.Request, error)
	// AllowGuests lets anybody order who gives a name.
	AllowGuests bool
	// Expect is told of each guest who has come, before they are answered. It
	// may take a moment to prepare for their first order. Optional.
	Expect func(ctx context.Context, customer string)
	// Pairings is nil where no screens are paired.
	Pairings Pairings
	// Origins are those of the site's other hubs, like https://pi-2.local:8443:
	// their pages may read what is public here without a token.
	Origins []string
	// SessionLimit is how often one address may try to get a session, by token,
	// name or code; by default twice a second after 60 at once: a household or
	// a café's whole rush may come from one address, and a screen that waits to
	// be approved asks again and again.
	SessionLimit Limit
	// PairingLimit is how often one address may ask for a pairing code; by
	// default every ten seconds after 6 at once.
	PairingLimit Limit
}

// Auth tells who is calling over HTTP. Its methods may be called by any number
// of goroutines.
type Auth struct {
	config   Config
	sessions *Limiter
	asking   *Limiter
	pairing  *pairing
	csrf     *http.CrossOriginProtection
	origins  map[string]bool
}

// New returns an Auth. It starts nothing.
func New(c Config) *Auth {
	a := &Auth{
		config:   c,
		sessions: NewLimiter(c.SessionLimit.or(Limit{PerSecond: 2, Burst: 60})),
		asking:   NewLimiter(c.PairingLimit.or(Limit{PerSecond: 0.1, Burst: 6})),
		pairing:  newPairing(),
		csrf:     http.NewCrossOriginProtection(),
		origins:  map[string]bool{},
	}
	for _, o := range c.Origins {
		a.origins[strings.ToLower(strings.TrimSuffix(o, "/"))] = true
	}
	return a
}

// Register adds the package's paths to mux, which Protect should wrap.
func (a *Auth) Register(mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/session", a.CreateSession)
	mux.HandleFunc("GET /v1/session", a.GetSession)
	mux.HandleFunc("DELETE /v1/session", a.DeleteSession)
	mux.HandleFunc("POST /v1/feed/ticket", a.CreateTicket)
	mux.HandleFunc("POST /v1/pairing", a.CreatePairing)
}

// Identify returns who sent r: whom the bearer token was signed for (RFC 6750,
// section 2.1), else whom the cookie was. A caller without either is anonymous,
// and so is one whose cookie is good no more: browsers keep it beyond the
// hub's keys, and the public parts of a page must go on. What such a caller
// may not do says why. Errors, of bearer tokens only, have code BadToken,
// TokenExpired, or Forbidden for a feed ticket, which IdentifyFeed takes.
func (a *Auth) Identify(r *http.Request) (Identity, error) {
	i, err := a.IdentifyFeed(r)
	if err == nil && i.FeedOnly {
		return Identity{}, i.do("", false)
	}
	return i, err
}

// IdentifyFeed is Identify for requests that open a feed: a ticket will do.
func (a *Auth) IdentifyFeed(r *http.Request) (Identity, error) {
	token, ok, err := bearer(r)
	if err != nil {
		return Identity{}, err
	}
	if ok {
		return a.config.Keys.Verify(token, time.Now())
	}
	i, err := a.fromCookie(r)
	if lapsed, ok := errors.AsType[*event.Error](err); ok {
		return Identity{lapsed: lapsed}, nil
	}
	return i, err
}

// Ticket returns who sent a ticket, or a token, in the first line of a feed.
// Errors have code BadToken or TokenExpired.
func (a *Auth) Ticket(ticket string) (Identity, error) {
	return a.config.Keys.Verify(ticket, time.Now())
}

// bearer returns the token of the Authorization header, if there is one.
func bearer(r *http.Request) (token string, ok bool, err error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return "", false, nil
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", false, event.Errorf(event.BadToken, "the Authorization header must be there once and read: Bearer <token>")
	}
	return strings.TrimSpace(token), true, nil
}
