package auth

import (
	"net/http"
	"time"

	"everything.local/event"
)

// cookieName has the prefix that makes browsers refuse the cookie unless it is
// Secure, for the whole site and for this host alone (RFC 6265bis, section
// 4.1.3.2). Cookies know no ports: two hubs on one host share it, and the one
// that did not sign it takes its bearer for anonymous.
const cookieName = "__Host-hub"

// fromCookie returns whom the cookie was signed for. Without one that is the
// anonymous Identity; errors are *event.Error. Of a request that the page of
// another origin makes the cookie counts for nothing: to SameSite another port
// of this host is the same site.
func (a *Auth) fromCookie(r *http.Request) (Identity, error) {
	c, _ := r.Cookie(cookieName) // its only error is that there is none
	if c == nil || c.Value == "" || !a.ownOrigin(r) {
		return Identity{}, nil
	}
	i, err := a.config.Keys.Verify(c.Value, time.Now())
	if err != nil {
		return Identity{}, err
	}
	if i.FeedOnly {
		return Identity{}, event.Errorf(event.BadToken, "a feed ticket is no session; sign in again")
	}
	return i, nil
}

// setCookie keeps token in the browser, out of reach of scripts, until it
// expires.
func setCookie(w http.ResponseWriter, token string, expires time.Time) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: token, Path: "/",
		Expires: expires, MaxAge: max(1, int(time.Until(expires)/time.Second)),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

func clearCookie(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Path: "/", MaxAge: -1,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}
