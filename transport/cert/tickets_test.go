package cert

import (
	"crypto/tls"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// firstTicket is a client's cache that keeps the first ticket it gets.
type firstTicket struct{ state *tls.ClientSessionState }

func (c *firstTicket) Get(string) (*tls.ClientSessionState, bool) { return c.state, c.state != nil }

func (c *firstTicket) Put(_ string, s *tls.ClientSessionState) {
	if c.state == nil {
		c.state = s
	}
}

// resumes shakes hands and reads a byte, before which the ticket comes, and
// reports whether the session was resumed.
func resumes(t *testing.T, server, client *tls.Config) bool {
	t.Helper()
	a, b := net.Pipe()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		conn := tls.Server(a, server)
		defer conn.Close()
		if _, err := conn.Write([]byte("!")); err != nil {
			t.Error(err)
		}
	})
	defer b.Close()
	conn := tls.Client(b, client)
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Error(err)
	}
	return conn.ConnectionState().DidResume
}

// resuming is a client of s with a cache of its own.
func resuming(t *testing.T, s *Source) *tls.Config {
	t.Helper()
	c := trusting(t, s, "localhost")
	c.ClientSessionCache = &firstTicket{}
	c.Time = time.Now
	return c
}

func TestTicketsSurviveARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	open := func() *Source { return mustOpen(t, Config{Dir: dir, Secrets: mustOpenSecrets(t, dir)}) }
	first := open()
	client := resuming(t, first)
	if resumes(t, first.TLSConfig(false), client) {
		t.Fatal("resumed what had not been")
	}
	if !resumes(t, open().TLSConfig(false), client) {
		t.Error("the ticket was worth nothing after a restart")
	}
	stranger := mustOpen(t, Config{Dir: dir, Secrets: mustOpenSecrets(t, t.TempDir())})
	if resumes(t, stranger.TLSConfig(false), client) {
		t.Error("a hub with other secrets took the ticket")
	}
}

func TestOldTicketsEndWithTheProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	open := func() *tls.Config {
		return mustOpen(t, Config{Dir: dir, Secrets: mustOpenSecrets(t, dir)}).TLSConfig(true)
	}
	server := open()
	client := resuming(t, mustOpen(t, Config{Dir: dir}))
	client.MaxVersion = tls.VersionTLS12
	resumes(t, server, client)
	if !resumes(t, server, client) {
		t.Error("TLS 1.2 does not resume")
	}
	if resumes(t, open(), client) {
		t.Error("a ticket of TLS 1.2 survived a restart")
	}
}

// TestTicketKeysTurn is about tickets made by one hub and read by another whose
// clock is off, or later.
func TestTicketKeysTurn(t *testing.T) {
	for _, c := range []struct {
		name  string
		later time.Duration // than noon
		want  bool
	}{
		{"the same day", 11 * time.Hour, true},
		{"the next day", 24 * time.Hour, true},
		{"the end of the next day", 35 * time.Hour, true},
		{"the day after", 37 * time.Hour, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin()
				time.Sleep(12 * time.Hour)
				m := &machine{hosts: []string{"localhost"}}
				dir := filepath.Join(t.TempDir(), "tls")
				s, _ := mustOpenOn(t, m, dir)
				s.secrets = mustOpenSecrets(t, dir)
				client := resuming(t, s)
				server := s.TLSConfig(false).Clone() // as every server does
				resumes(t, server, client)
				time.Sleep(c.later)
				if got := resumes(t, server, client); got != c.want {
					t.Errorf("resumed %v, want %v", got, c.want)
				}
			})
		})
	}
}

// TestTicketsOfAHubThatIsAhead gives a hub a ticket that another one made by a
// clock that is off.
func TestTicketsOfAHubThatIsAhead(t *testing.T) {
	s := mustOpen(t, Config{Dir: filepath.Join(t.TempDir(), "tls")})
	secrets := mustOpenSecrets(t, t.TempDir())
	at := func(now time.Time) *tls.Config {
		t.Helper()
		c, err := secrets.ticketsAt(now)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	now := time.Date(2027, time.March, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		ahead time.Duration
		want  bool
	}{{0, true}, {24 * time.Hour, true}, {-24 * time.Hour, true}, {48 * time.Hour, false}, {-48 * time.Hour, false}} {
		client := resuming(t, s)
		theirs := s.TLSConfig(false)
		theirs.WrapSession = at(now.Add(c.ahead)).EncryptTicket
		resumes(t, theirs, client)
		ours := s.TLSConfig(false)
		ours.UnwrapSession = at(now).DecryptTicket
		if got := resumes(t, ours, client); got != c.want {
			t.Errorf("%v ahead: resumed %v, want %v", c.ahead, got, c.want)
		}
	}
}
