package ws

import (
	"errors"
	"net/http"

	"everything.local/auth"
	"everything.local/transport"
)

var _ transport.Upgrade = Wire{}

// Serve implements transport.Upgrade. One subscription is one connection, which
// is the feed's from then on: Serve returns at once.
func (Wire) Serve(feed *transport.Feed, who auth.Identity, w http.ResponseWriter, r *http.Request) {
	accept, err := checkHandshake(r)
	if err != nil {
		refuseHeaders(w.Header(), err)
		feed.Refuse(w, r, err)
		return
	}
	f := &follower{feed: feed, asking: &asking{who: who, secure: r.TLS != nil}}
	f.user = f
	read, err := f.takeOver(w, r)
	if errors.Is(err, http.ErrNotSupported) {
		feed.Refuse(w, r, err)
	}
	if err != nil {
		return
	}
	_ = f.Put(answer(accept)) // a line that is lost says so
	f.asking.wait(f)
	f.Start(read)
}
