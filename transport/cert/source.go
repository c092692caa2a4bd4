package cert

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"
)

// ErrConfig is a Config that cannot be served with; its text says what to
// change.
var ErrConfig = errors.New("cert: configuration")

// ErrExposed is a key that others than its owner may read.
var ErrExposed = errors.New("cert: key is open to others")

// ErrBadFile is a file that does not hold what it should.
var ErrBadFile = errors.New("cert: bad file")

// Config says where the certificate comes from.
type Config struct {
	// Dir is where the hub keeps its own authority and leaf. It is made (mode
	// 0700) when there is none, and not used if CertFile is set.
	Dir string
	// Hosts are names and addresses that the hub is reached by, beside those it
	// finds out itself: localhost, the machine's name, that name in .local
	// (RFC 6762), and the addresses of its interfaces.
	Hosts []string
	// CertFile and KeyFile are PEM files to serve with instead: the leaf first,
	// then its chain. Either both or none.
	CertFile, KeyFile string
	// Issued, if set, returns certificates for names beside those of Dir, with
	// their chains: whoever asks for such a name is shown them. It is called with
	// each handshake.
	Issued func() []*tls.Certificate
	// Secrets let sessions be resumed after a restart. Without them they last as
	// long as the process.
	Secrets *Secrets
	// Logger is slog.Default() if nil.
	Logger *slog.Logger
}

// Source is a certificate that stays good. Its methods may be called by any
// number of goroutines.
type Source struct {
	keeper  keeper
	issued  func() []*tls.Certificate // may be nil
	secrets *Secrets                  // may be nil
	log     *slog.Logger
	// current is what handshakes are answered with. Only Open and Run store
	// it; a handshake loads it and does nothing else.
	current atomic.Pointer[tls.Certificate]
	// line is what handshakes over UDP are answered with, if not empty.
	line atomic.Pointer[[]*tls.Certificate]
	// vouched remembers what isPublic said.
	vouched atomic.Pointer[vouched]
}

// keeper finds out whether there is a newer certificate.
type keeper interface {
	// next returns the certificate to serve with from now on, or nil if that is
	// the current one still.
	next(now time.Time) (*tls.Certificate, error)
	// short returns short-lived leaves for UDP, the current one first, or none if
	// UDP presents what TCP does. It is asked after next.
	short(now time.Time) ([]*tls.Certificate, error)
	// interval is how often to ask.
	interval() time.Duration
	// ca is the authority in PEM, or nil, and the file that holds it.
	ca() (pem []byte, file string)
}

// Open reads or makes the certificate. It starts nothing: without Run the
// certificate is served until it expires. Errors wrap ErrConfig, ErrExposed,
// ErrBadFile or the file system's, and say what to do.
func Open(c Config) (*Source, error) {
	log := c.Logger
	if log == nil {
		log = slog.Default()
	}
	keeper, err := newKeeper(c, log)
	if err != nil {
		return nil, err
	}
	s, err := open(keeper, log)
	if err != nil {
		return nil, err
	}
	s.issued, s.secrets = c.Issued, c.Secrets
	return s, nil
}

func newKeeper(c Config, log *slog.Logger) (keeper, error) {
	switch {
	case c.CertFile != "" && c.KeyFile != "":
		return newFiles(c.CertFile, c.KeyFile, log), nil
	case c.CertFile != "":
		return nil, fmt.Errorf("%w: a certificate file is given and no key file; give both, or neither to use the hub's own authority", ErrConfig)
	case c.KeyFile != "":
		return nil, fmt.Errorf("%w: a key file is given and no certificate file; give both, or neither to use the hub's own authority", ErrConfig)
	case c.Dir == "":
		return nil, fmt.Errorf("%w: give a directory to keep the certificate in, or certificate and key files", ErrConfig)
	}
	return newLocal(c.Dir, c.Hosts, log)
}

func open(k keeper, log *slog.Logger) (*Source, error) {
	s := &Source{keeper: k, log: log}
	now := time.Now()
	first, err := k.next(now)
	if err != nil {
		return nil, err
	}
	line, err := k.short(now)
	if err != nil {
		return nil, err
	}
	s.store(first, line)
	return s, nil
}

func (s *Source) store(current *tls.Certificate, line []*tls.Certificate) {
	s.current.Store(current)
	s.line.Store(&line)
}

// Run keeps the certificate good until ctx ends. What fails is logged and tried
// again, and the current certificate stays; Run returns nil.
func (s *Source) Run(ctx context.Context) error {
	// The clock is read again and again, rather than one timer set for the day
	// of renewal: the clock of a machine without a battery jumps by decades when
	// the network comes up.
	tick := time.NewTicker(s.keeper.interval())
	defer tick.Stop()
	failed := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := s.renew(ctx, time.Now())
		if err != nil && err.Error() != failed {
			// Once, not with every try.
			s.log.ErrorContext(ctx, "certificate not renewed, the current one stays", "error", err, "expires", s.Expires())
		}
		failed = ""
		if err != nil {
			failed = err.Error()
		}
	}
}

func (s *Source) renew(ctx context.Context, now time.Time) error {
	next, err := s.keeper.next(now)
	if err != nil {
		return err
	}
	if next != nil {
		s.store(next, *s.line.Load())
		s.log.InfoContext(ctx, "certificate renewed", "expires", s.Expires())
	}
	line, err := s.keeper.short(now)
	if err != nil {
		return err
	}
	if !slices.Equal(line, *s.line.Load()) {
		s.store(s.current.Load(), line)
		s.log.InfoContext(ctx, "leaves for UDP turned", "announced", len(line))
	}
	return nil
}

// TLSConfig returns a configuration that always serves the current
// certificate, and resumes sessions by Config.Secrets. TLS 1.2 is spoken only
// if min12 is set, for a TV that knows no better. The caller may add to the
// result.
func (s *Source) TLSConfig(min12 bool) *tls.Config {
	c := &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if c := s.issuedFor(hello.ServerName); c != nil {
				return c, nil
			}
			return s.current.Load(), nil
		},
	}
	if min12 {
		c.MinVersion = tls.VersionTLS12
	}
	if s.secrets != nil {
		s.secrets.use(c)
	}
	return c
}

// Expires is when the current certificate does.
func (s *Source) Expires() time.Time { return s.current.Load().Leaf.NotAfter }

// CAPEM returns the certificate of the hub's own authority, for devices to
// trust; nil if the certificate comes from files.
func (s *Source) CAPEM() []byte {
	pem, _ := s.keeper.ca()
	return pem
}

// CAFile returns where CAPEM is on disk, or "".
func (s *Source) CAFile() string {
	_, file := s.keeper.ca()
	return file
}
