package cert

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"time"
)

// ticketDay is how long tickets are made with one key.
const ticketDay = 24 * time.Hour

// tickets make and read the session tickets (RFC 8446, section 4.6.1) of one
// day. They are made with the key of the day; those of the day before are read
// too, and those of the day after, which a hub whose clock is ahead has made.
type tickets struct {
	day    int64 // since 1970, in UTC
	config *tls.Config
}

// ticketsAt returns the tickets of the day that now is in. The day is looked up
// with each handshake rather than by a timer, because the clock of a machine
// without a battery jumps.
func (s *Secrets) ticketsAt(now time.Time) (*tls.Config, error) {
	day := now.Unix() / int64(ticketDay/time.Second)
	if t := s.tickets.Load(); t != nil && t.day == day {
		return t.config, nil
	}
	var keys [][32]byte
	for _, d := range []int64{day, day - 1, day + 1} {
		key, err := s.ticketKey(d)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	t := &tickets{day, &tls.Config{MinVersion: tls.VersionTLS12}}
	t.config.SetSessionTicketKeys(keys)
	s.tickets.Store(t) // by several handshakes at once: the same
	return t.config, nil
}

// ticketKey derives the key of a day (RFC 5869), the same on every hub that has
// the secret. Who steals the secret can resume the sessions of the last days as
// the client or as the hub, and read early data that was recorded; the rest of
// a recorded connection stays closed, since TLS 1.3 agrees on fresh keys also
// when it resumes.
func (s *Secrets) ticketKey(day int64) (key [32]byte, err error) {
	name := time.Unix(day*int64(ticketDay/time.Second), 0).UTC().Format(time.DateOnly)
	b, err := hkdf.Key(sha256.New, s.ticket[:], nil, "session tickets of "+name, len(key))
	copy(key[:], b)
	return key, err
}

// use makes c resume sessions by tickets of s. It sets functions rather than
// keys, since a server works with clones of c, which later keys would not
// reach.
func (s *Secrets) use(c *tls.Config) {
	// A ticket of TLS 1.2 holds the keys of the connection that it was made in,
	// so its key never leaves the process, and crypto/tls turns it every day.
	old := &tls.Config{MinVersion: tls.VersionTLS12}
	at := func(state tls.ConnectionState) (*tls.Config, error) {
		if state.Version < tls.VersionTLS13 {
			return old, nil
		}
		return s.ticketsAt(time.Now())
	}
	c.WrapSession = func(state tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
		t, err := at(state)
		if err != nil {
			return nil, err
		}
		return t.EncryptTicket(state, session)
	}
	c.UnwrapSession = func(ticket []byte, state tls.ConnectionState) (*tls.SessionState, error) {
		t, err := at(state)
		if err != nil {
			return nil, err
		}
		return t.DecryptTicket(ticket, state)
	}
}
