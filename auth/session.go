package auth

import (
	"net/http"
	"strings"
	"time"

	"everything.local/event"
)

// sessionRequest is the body of POST /v1/session: a token, or a pairing code
// with the secret of the device that shows it, or a guest's name.
type sessionRequest struct {
	Token  *string `json:"token"`
	Code   *string `json:"code"`
	Device *string `json:"device"`
	Name   *string `json:"name"`
}

// session is what the hub knows of a caller.
type session struct {
	Role     Role   `json:"role"`
	ID       string `json:"id"`
	Customer string `json:"customer,omitempty"`
	Name     string `json:"name,omitempty"`
	Expires  string `json:"expires"`
}

func sessionOf(i Identity) session {
	return session{i.Role, i.ID, i.Customer, i.Name, event.FormatTime(i.Expires)}
}

// guestPrefix begins the subjects of guests, and of nobody else: Sign is not
// asked for one by anything but CreateSession.
const guestPrefix = "guest-"

// CreateSession is POST /v1/session. It sets the cookie.
func (a *Auth) CreateSession(w http.ResponseWriter, r *http.Request) {
	if err := a.admit(w, r, a.sessions); err != nil {
		a.config.WriteError(w, r, err)
		return
	}
	var body sessionRequest
	if err := readJSON(w, r, &body); err != nil {
		a.config.WriteError(w, r, err)
		return
	}
	token, err := a.tokenFor(r, body)
	if err != nil {
		a.config.WriteError(w, r, err)
		return
	}
	i, err := a.config.Keys.Verify(token, time.Now())
	if err == nil && i.FeedOnly {
		err = event.Errorf(event.BadToken, "a feed ticket opens feeds and nothing else; sign in with a token").At("token")
	}
	if err != nil {
		a.config.WriteError(w, r, err)
		return
	}
	if body.Name != nil && a.config.Expect != nil {
		a.config.Expect(r.Context(), i.Customer)
	}
	setCookie(w, token, i.Expires)
	writeJSON(w, sessionOf(i))
}

// admit refuses what comes from another site's page, which could otherwise
// make its visitor somebody else, and what comes too often.
func (a *Auth) admit(w http.ResponseWriter, r *http.Request, l *Limiter) error {
	if err := a.csrf.Check(r); err != nil {
		return errCrossOrigin()
	}
	return l.take(w, r)
}

// tokenFor returns the token that a session is asked for with: the caller's, or
// a new one.
func (a *Auth) tokenFor(r *http.Request, b sessionRequest) (string, error) {
	switch {
	case b.Token != nil && b.Code == nil && b.Device == nil && b.Name == nil:
		return strings.TrimSpace(*b.Token), nil
	case b.Token == nil && b.Code != nil && b.Device != nil && b.Name == nil:
		return a.screenToken(*b.Code, *b.Device)
	case b.Token == nil && b.Code == nil && b.Device == nil && b.Name != nil:
		return a.guestToken(r, *b.Name)
	}
	return "", event.Errorf(event.Invalid, "send either a token, or a code and its device, or a name")
}

func (a *Auth) screenToken(code, device string) (string, error) {
	if a.config.Pairings == nil {
		return "", errNoPairing()
	}
	if err := a.pairing.check(code, device, time.Now()); err != nil {
		return "", err
	}
	screen, ok := a.config.Pairings.Approved(code)
	if !ok {
		return "", event.Errorf(event.PairingPending, "the code is not approved yet; staff approve it, and then it works")
	}
	return a.config.Keys.Sign(Claims{Role: Display, Subject: screen})
}

// guestToken makes the caller a guest. One who is a guest already is the same
// guest by another name and for longer, and so keeps their orders.
func (a *Auth) guestToken(r *http.Request, name string) (string, error) {
	if !a.config.AllowGuests {
		return "", event.Errorf(event.Forbidden, "guests cannot order here; sign in with a token that staff gave you")
	}
	name, err := cleanName(name)
	if err != nil {
		return "", err
	}
	subject := guestPrefix + event.NewID()
	if i, err := a.fromCookie(r); err == nil && i.Role == Customer && strings.HasPrefix(i.Subject, guestPrefix) {
		subject = i.Subject
	}
	return a.config.Keys.Sign(Claims{Role: Customer, Subject: subject, Name: name})
}

// GetSession is GET /v1/session: who the hub takes the caller for. A cookie
// that is good no more is taken away, and the error says why.
func (a *Auth) GetSession(w http.ResponseWriter, r *http.Request) {
	i, err := a.Identify(r)
	if err == nil && i.Role == Anonymous {
		if i.lapsed != nil {
			clearCookie(w)
		}
		err = i.unknown("have a session")
	}
	if err != nil {
		noStore(w)
		a.config.WriteError(w, r, err)
		return
	}
	writeJSON(w, sessionOf(i))
}

// DeleteSession is DELETE /v1/session: the browser forgets its cookie.
func (a *Auth) DeleteSession(w http.ResponseWriter, r *http.Request) {
	if err := a.csrf.Check(r); err != nil {
		a.config.WriteError(w, r, errCrossOrigin())
		return
	}
	clearCookie(w)
	noStore(w)
	w.WriteHeader(http.StatusNoContent)
}

// CreateTicket is POST /v1/feed/ticket.
func (a *Auth) CreateTicket(w http.ResponseWriter, r *http.Request) {
	i, err := a.Identify(r)
	if err == nil && i.Role == Anonymous {
		err = i.unknown("get a ticket")
	}
	if err != nil {
		a.config.WriteError(w, r, err)
		return
	}
	ticket, expires, err := a.config.Keys.ticket(i)
	if err != nil {
		a.config.WriteError(w, r, err)
		return
	}
	writeJSON(w, struct {
		Ticket  string `json:"ticket"`
		Expires string `json:"expires"`
	}{ticket, event.FormatTime(expires)})
}
