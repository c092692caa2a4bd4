package poll

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"
)

// stretch is one direction of a connection in memory. Read waits for bytes;
// closing it ends that.
type stretch struct {
	mu     sync.Mutex
	more   sync.Cond
	b      []byte
	closed bool
}

func newStretch() *stretch {
	s := new(stretch)
	s.more.L = &s.mu
	return s
}

func (s *stretch) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.b = append(s.b, b...)
	s.more.Broadcast()
	return len(b), nil
}

func (s *stretch) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.b) == 0 {
		if s.closed {
			return 0, io.EOF
		}
		s.more.Wait()
	}
	return s.take(b), nil
}

func (s *stretch) take(b []byte) int {
	n := copy(b, s.b)
	s.b = s.b[n:]
	return n
}

func (s *stretch) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.more.Broadcast()
}

// end is one end of a connection in memory. Deadlines mean nothing to it.
type end struct {
	net.Conn // nil

	in, out *stretch
}

func (e end) Read(b []byte) (int, error)       { return e.in.Read(b) }
func (e end) Write(b []byte) (int, error)      { return e.out.Write(b) }
func (e end) SetDeadline(time.Time) error      { return nil }
func (e end) SetReadDeadline(time.Time) error  { return nil }
func (e end) SetWriteDeadline(time.Time) error { return nil }
func (e end) Close() error                     { e.in.close(); e.out.close(); return nil }

// rationed is a descriptor that reads and writes as many bytes as it is granted.
type rationed struct {
	end

	mayRead, mayWrite int
}

func (r *rationed) tryRead(b []byte) (int, error) {
	r.in.mu.Lock()
	defer r.in.mu.Unlock()
	b = b[:min(len(b), r.mayRead)]
	n := r.in.take(b)
	r.mayRead -= n
	if n == 0 {
		return 0, errAgain
	}
	return n, nil
}

func (r *rationed) tryWrite(b []byte) (int, error) {
	n := min(len(b), r.mayWrite)
	r.mayWrite -= n
	_, _ = r.out.Write(b[:n])
	if n < len(b) {
		return n, errAgain
	}
	return n, nil
}

// byHand is a Carrier that does nothing by itself.
type byHand struct{ direct descriptor }

func (c byHand) attach(l *Line) error { l.direct = c.direct; return nil }
func (byHand) begin(*Line) error      { return nil }
func (byHand) detach(*Line)           {}

// recorder is a Handler that keeps what it is told.
type recorder struct {
	heard []byte
	sent  int
	gone  error
}

func (r *recorder) Receive(b []byte) { r.heard = append(r.heard, b...) }
func (r *recorder) Sent()            { r.sent++ }
func (r *recorder) Gone(err error)   { r.gone = err }

// counting is n bytes that differ from those before and after.
func counting(from, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte((from + i) % 251)
	}
	return b
}

// encrypted returns a line with TLS on a rationed descriptor, and the client.
func encrypted(t *testing.T, certificate tls.Certificate, h Handler) (*Line, *rationed, *tls.Conn) {
	up, down := newStretch(), newStretch()
	client := tls.Client(end{in: down, out: up}, &tls.Config{InsecureSkipVerify: true})
	ration := &rationed{end: end{in: up, out: down}}
	sock := new(Socket)
	sock.Init(ration.end, time.Second, func() {})
	server := tls.Server(sock, &tls.Config{Certificates: []tls.Certificate{certificate}})
	met := make(chan error, 1)
	go func() { met <- client.Handshake() }()
	if err := errors.Join(server.Handshake(), <-met); err != nil {
		t.Fatal(err)
	}
	l, err := NewLine(byHand{ration}, server, sock, h)
	if err != nil {
		t.Fatal(err)
	}
	l.Start(nil)
	return l, ration, client
}

// selfSigned is a certificate that nobody vouches for.
func selfSigned(t testing.TB) tls.Certificate {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(nil, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

// FuzzLine: however little is read and written at a time, both sides get what
// the other has said, byte by byte, and a line is clear when all has gone.
func FuzzLine(f *testing.F) {
	certificate := selfSigned(f)
	f.Add([]byte{0x40, 0xfd, 0x82, 0x07, 0xff})
	f.Add(bytes.Repeat([]byte{0xfc, 0x05, 0x09, 0xfe, 0x03, 0x0b}, 20))
	f.Fuzz(func(t *testing.T, script []byte) {
		h := new(recorder)
		l, ration, client := encrypted(t, certificate, h)
		buf := make([]byte, 512)
		said, put := 0, 0
		for _, op := range script[:min(len(script), 256)] {
			n := int(op >> 2)
			switch op & 3 {
			case 0:
				_, _ = client.Write(counting(said, 37*n))
				said += 37 * n
			case 1:
				ration.mayRead += 5 * n
				for l.readable(buf) {
				}
			case 2:
				if err := l.Put(counting(put, 211*n)); err != nil {
					t.Fatal(err)
				}
				put += 211 * n
			case 3:
				ration.mayWrite += 50 * n
				l.writable()
			}
			if waits := len(l.pending) > 0; waits == l.Clear() {
				t.Fatalf("%d bytes are pending, and clear is %t", len(l.pending), l.Clear())
			}
		}
		ration.mayRead, ration.mayWrite = 1<<30, 1<<30
		for l.readable(buf) {
		}
		waited, before := !l.Clear(), h.sent
		l.writable()
		if !l.Clear() || waited && h.sent != before+1 {
			t.Errorf("clear %t, sent told %d times", l.Clear(), h.sent-before)
		}
		if !bytes.Equal(h.heard, counting(0, said)) {
			t.Errorf("%d bytes were said and %d heard, or others", said, len(h.heard))
		}
		got := make([]byte, put)
		if _, err := io.ReadFull(client, got); err != nil || !bytes.Equal(got, counting(0, put)) {
			t.Errorf("what came differs from what was put: %v", err)
		}
		if h.gone != nil {
			t.Errorf("gone: %v", h.gone)
		}
	})
}
