package poll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// eventsAtOnce bounds what one wait gives.
	eventsAtOnce = 256
	// pollBuffer holds what one read takes: a TLS record of the largest size.
	pollBuffer = 16 << 10
)

// Poller is a Carrier that serves all its lines with one goroutine, on epoll(7).
type Poller struct {
	// file is the epoll instance, itself waited for by Go's own poller, so that
	// no thread is kept.
	file *os.File
	raw  syscall.RawConn

	registry

	byFD sync.Mutex
	fds  map[int32]*Line
	ids  int32
}

// NewPoller returns a poller; Run ends it.
func NewPoller() (*Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		return nil, fmt.Errorf("poll: epoll: %w", err)
	}
	p := &Poller{file: os.NewFile(uintptr(fd), "epoll"), fds: make(map[int32]*Line)}
	if p.raw, err = p.file.SyscallConn(); err != nil {
		return nil, errors.Join(fmt.Errorf("poll: epoll: %w", err), p.file.Close())
	}
	return p, nil
}

// Run serves lines until ctx ends. Lines that are left then are cut.
func (p *Poller) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = p.file.Close() })
	defer stop()
	err := p.serve()
	if ctx.Err() != nil {
		err = nil
	}
	p.end()
	if closed := p.file.Close(); !errors.Is(closed, os.ErrClosed) {
		err = errors.Join(err, closed)
	}
	return err
}

// serve tells lines what there is to do until the epoll instance is closed.
func (p *Poller) serve() error {
	buf := make([]byte, pollBuffer)
	events := make([]unix.EpollEvent, eventsAtOnce)
	var busy, next []*Line // lines with more to read
	for {
		n, err := p.wait(events, len(busy) == 0)
		if err != nil {
			return err
		}
		next = next[:0]
		for _, l := range busy {
			if l.readable(buf) {
				next = append(next, l)
			}
		}
		for _, e := range events[:n] {
			l := p.line(e)
			if l == nil {
				continue
			}
			if e.Events&unix.EPOLLOUT != 0 {
				l.writable()
			}
			if l.readable(buf) {
				next = append(next, l)
			}
		}
		busy, next = next, busy
		clear(next[:cap(next)]) // so that it keeps no line alive
	}
}

// wait returns how many events there are; if block, it waits for one.
func (p *Poller) wait(events []unix.EpollEvent, block bool) (n int, err error) {
	failed := p.raw.Read(func(fd uintptr) bool {
		n, err = unix.EpollWait(int(fd), events, 0)
		if errors.Is(err, unix.EINTR) {
			n, err = 0, nil
		}
		return n > 0 || err != nil || !block
	})
	if failed != nil {
		return 0, failed
	}
	return n, os.NewSyscallError("epoll_wait", err)
}

// line returns whom an event is for, nil if that has closed meanwhile and the
// descriptor may be another's.
func (p *Poller) line(e unix.EpollEvent) *Line {
	p.byFD.Lock()
	defer p.byFD.Unlock()
	if l := p.fds[e.Fd]; l != nil && l.id == e.Pad {
		return l
	}
	return nil
}

func (p *Poller) attach(l *Line) error {
	c, ok := l.sock.Conn.(syscall.Conn)
	if !ok {
		return fmt.Errorf("poll: a connection of type %T has no descriptor", l.sock.Conn)
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	if l.sys, err = newSysConn(raw); err != nil {
		return err
	}
	l.direct = &l.sys
	return p.add(l)
}

func (p *Poller) begin(l *Line) error {
	// A line may have been cut before it was started, and its descriptor be
	// another connection's. While l.mu is held it is not closed, see disconnect.
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	l.polled = true
	fd := int32(l.sys.fd)
	p.byFD.Lock()
	p.ids++
	l.id = p.ids
	p.fds[fd] = l
	p.byFD.Unlock()
	// The first event comes at once, for there is room to write: what TLS holds
	// already is read then, too.
	var err error
	ended := p.raw.Control(func(epoll uintptr) {
		err = unix.EpollCtl(int(epoll), unix.EPOLL_CTL_ADD, int(fd), &unix.EpollEvent{
			Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET,
			Fd:     fd, Pad: l.id,
		})
	})
	return cmp.Or(ended, os.NewSyscallError("epoll_ctl", err))
}

func (p *Poller) detach(l *Line) {
	fd := int32(l.sys.fd)
	p.byFD.Lock()
	defer p.byFD.Unlock()
	if p.fds[fd] == l {
		delete(p.fds, fd)
	}
	p.remove(l)
}
