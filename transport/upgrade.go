package transport

import (
	"net/http"
	"time"

	"everything.local/auth"
	"everything.local/event"
	"everything.local/hub"
)

// Upgrade is a wire that is no response body: it takes over the connection or
// stream of a request, and what its clients want to follow comes in lines. It
// opens sessions by Feed.Subscribe and runs them on Sinks of its own.
type Upgrade interface {
	hub.Encoding
	// Takes reports whether r asks for this wire.
	Takes(r *http.Request) bool
	// Serve answers r, which comes from who by its head and from a page that may
	// ask. It returns when all feeds that came of it have ended and nothing it
	// started runs any more, or leaves that to others: to workers and what has
	// taken over a connection, or to what Stay waits for. Feed.Cut makes it hurry.
	Serve(f *Feed, who auth.Identity, w http.ResponseWriter, r *http.Request)
}

// upgrade returns the wire that r asks for, nil for a response body.
func (f *Feed) upgrade(r *http.Request) Upgrade {
	for _, u := range f.cfg.Upgrades {
		if u.Takes(r) {
			return u
		}
	}
	return nil
}

// serveUpgrade checks what can be told from the head of r, and hands it on.
func (f *Feed) serveUpgrade(u Upgrade, w http.ResponseWriter, r *http.Request) {
	who, err := f.checkUpgrade(r)
	if err != nil {
		f.Refuse(w, r, err)
		return
	}
	u.Serve(f, who, w, r)
}

func (f *Feed) checkUpgrade(r *http.Request) (auth.Identity, error) {
	if r.URL.RawQuery != "" {
		return auth.Identity{}, event.Errorf(event.Invalid, `on this wire the address has no question mark; send what to follow as the first line, like {"topics":"menu,board"}`).At("query")
	}
	if err := f.cfg.CheckOrigin(r); err != nil {
		return auth.Identity{}, err
	}
	if f.drain.over() {
		return auth.Identity{}, errDraining()
	}
	return f.cfg.Identify(r)
}

// StallTimeout is how long a client may take no byte before its wire closes it
// with ErrStalled.
func (f *Feed) StallTimeout() time.Duration { return f.cfg.StallTimeout }
