package floor

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"

	"everything.local/loadtest/meter"
)

// Process is a running server.
type Process struct {
	// Meter reads what it takes.
	Meter meter.Process
	// Addr is where it listens, TLS whom to trust there.
	Addr string
	TLS  *tls.Config

	cmd     *exec.Cmd
	orders  *json.Encoder
	answers *json.Decoder
	in      io.Closer
}

// Start runs this program again as the server, with the arguments that make it
// one, on a core or, with a negative one, on any.
func Start(ctx context.Context, core int, args ...string) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, self, args...)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if core < 0 {
		err = c.Start()
	} else {
		err = meter.StartOn(core, c)
	}
	if err != nil {
		return nil, err
	}
	p := &Process{
		Meter: meter.Process(c.Process.Pid), cmd: c, in: in,
		orders: json.NewEncoder(in), answers: json.NewDecoder(bufio.NewReader(out)),
	}
	var hello Hello
	if err := p.answers.Decode(&hello); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(hello.CA) {
		return nil, errors.Join(errors.New("the floor's certificate cannot be read"), p.Stop())
	}
	p.Addr, p.TLS = hello.Addr, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS13}
	return p, nil
}

// CarryOut has an order done.
func (p *Process) CarryOut(o Order) (d Done, err error) {
	if err := p.orders.Encode(o); err != nil {
		return d, err
	}
	if err := p.answers.Decode(&d); err != nil {
		return d, err
	}
	if d.Failed != "" {
		return d, errors.New("the floor: " + d.Failed)
	}
	return d, nil
}

// Stop ends the server, which ends with its input.
func (p *Process) Stop() error {
	_ = p.in.Close() // it may have gone
	return p.cmd.Wait()
}
