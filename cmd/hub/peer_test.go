package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"everything.local/event"
)

// peer is a client that somebody else wrote, on one wire over one protocol. Its
// methods may be called side by side.
type peer interface {
	// request makes one request over the peer's protocol.
	request(ctx context.Context, r request) (answer, error)
	// follow opens a feed, which ends with ctx.
	follow(ctx context.Context, ask subscription) (*following, error)
}

type request struct{ method, path, token, body string }

type answer struct {
	protocol string // as in HTTP/1.1, HTTP/2, HTTP/3
	status   int
	header   http.Header // nil where a peer does not tell
	body     []byte
}

// speaks is a protocol as answers name it.
var speaks = map[string]string{"h1": "HTTP/1.1", "h2": "HTTP/2", "h3": "HTTP/3"}

// subscription is what is asked of a feed.
type subscription struct {
	Topics string `json:"topics"`
	After  string `json:"after,omitempty"`
}

func (s subscription) query() string {
	q := "/v1/feed?topics=" + s.Topics
	if s.After != "" {
		q += "&after=" + s.After
	}
	return q
}

// line is s as the first line of a wire that has no query.
func (s subscription) line() string {
	b, _ := json.Marshal(s) // two strings
	return string(b)
}

// following is an open feed of a peer.
type following struct {
	// protocol is what carries the feed, as the peer says.
	protocol string
	// frames is closed when the feed has ended; why is why then, nil for a feed
	// that the hub ended in good order.
	frames chan event.Frame
	why    error
	// leave leaves the feed as the peer does it, and waits until it is gone.
	leave func()
}

// send hands on a frame as JSON, unless ctx ends.
func (f *following) send(ctx context.Context, line []byte) error {
	var frame event.Frame
	if err := json.Unmarshal(line, &frame); err != nil {
		return fmt.Errorf("frame %q: %w", line, err)
	}
	select {
	case f.frames <- frame:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// next waits for a frame that fn wants.
func (f *following) next(ctx context.Context, what string, fn func(event.Frame) bool) (event.Frame, error) {
	for {
		select {
		case frame, ok := <-f.frames:
			switch {
			case !ok:
				return event.Frame{}, fmt.Errorf("no %s: the feed ended: %w", what, orElse(f.why, io.EOF))
			case frame.Error != nil:
				return frame, fmt.Errorf("no %s: %s: %s", what, frame.Error.Code, frame.Error.Detail)
			case fn(frame):
				return frame, nil
			}
		case <-ctx.Done():
			return event.Frame{}, fmt.Errorf("no %s: %w", what, context.Cause(ctx))
		}
	}
}

func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// program is a peer's process. Its standard output is read by scan as it comes.
type program struct {
	cmd  *exec.Cmd
	said bytes.Buffer // on standard error
}

// leaveWithin is what a peer's process gets to end by itself.
const leaveWithin = 10 * time.Second

// run starts a command and scans what it says on out, which is its standard
// output or error. It returns when the command has ended.
func (p *program) run(ctx context.Context, stderr bool, scan func(io.Reader) error, name string, args ...string) error {
	p.cmd = exec.CommandContext(ctx, name, args...)
	p.cmd.Env = append(os.Environ(), "LC_ALL=C")
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = leaveWithin
	pipe := p.cmd.StdoutPipe
	if stderr {
		pipe = p.cmd.StderrPipe
	} else {
		p.cmd.Stderr = &p.said
	}
	out, err := pipe()
	if err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("%s is needed, see .ci/setup: %w", name, err)
	}
	scanned := scan(out)
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, p.said.Bytes())
	}
	return scanned
}

// followBy makes a feed of what run sends, until it returns or the feed is left.
// run calls open once the hub has accepted.
func followBy(ctx context.Context, run func(ctx context.Context, f *following, open func(protocol string)) error) (*following, error) {
	ctx, cancel := context.WithCancel(ctx)
	f := &following{frames: make(chan event.Frame, 1)}
	opened, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		var once sync.Once
		err := run(ctx, f, func(protocol string) {
			once.Do(func() {
				f.protocol = protocol
				close(opened)
			})
		})
		f.why = err
		close(f.frames)
	}()
	f.leave = func() {
		cancel()
		for range f.frames {
			continue // what is on its way is nobody's
		}
		<-ended
	}
	select {
	case <-opened:
		return f, nil
	case <-ended:
		cancel()
		return nil, orElse(f.why, errors.New("it ended before it began"))
	}
}

// readHead reads the head of an answer as curl prints it.
func readHead(r *bufio.Reader) (a answer, err error) {
	head := textproto.NewReader(r)
	line, err := head.ReadLine()
	if err != nil {
		return a, fmt.Errorf("no status line: %w", err)
	}
	if _, err := fmt.Sscanf(line, "%s %d", &a.protocol, &a.status); err != nil {
		return a, fmt.Errorf("status line %q: %w", line, err)
	}
	h, err := head.ReadMIMEHeader()
	a.header = http.Header(h)
	return a, err
}

// readFrames sends the frames that come as NDJSON, or as the data of SSE.
func readFrames(ctx context.Context, r io.Reader, f *following, sse bool) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Bytes()
		if sse {
			data, ok := bytes.CutPrefix(line, []byte("data: "))
			if !ok {
				continue // id, or the end of an event
			}
			line = data
		}
		if err := f.send(ctx, line); err != nil {
			return err
		}
	}
	return lines.Err()
}

// refused is the error of a feed that did not open.
func refused(status int, body io.Reader) error {
	if status == http.StatusOK || status == http.StatusSwitchingProtocols {
		return nil
	}
	b, _ := io.ReadAll(io.LimitReader(body, 4<<10))
	return fmt.Errorf("status %d: %s", status, b)
}
