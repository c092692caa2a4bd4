package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"everything.local/client"
	"everything.local/event"
)

// errArguments is a command line that the parser takes and the command cannot.
var errArguments = errors.New("command line")

// reach is how a tool gets to a hub, here or elsewhere, and as whom.
type reach struct {
	Hub       []string `help:"Address of the hub (default https://localhost:8443). Give those of a site's others too: where one is lost the next is tried." default:"https://localhost:8443" placeholder:"URL" env:"HUB_URL"`
	TokenFile string   `help:"File with the token to call with; else the environment variable HUB_TOKEN has it. A token is never a flag: whoever lists processes would read it." placeholder:"FILE" type:"path"`
	Wire      string   `help:"How to follow the feed: ${enum}. Auto takes the best that works." enum:"auto,wt,ws,sse,ndjson" default:"auto"`
	HTTP      string   `name:"http" help:"Version of HTTP: ${enum}." enum:"auto,1.1,2,3" default:"auto"`
	CA        string   `name:"ca" help:"Certificate authority to trust, a PEM file; a hub with one of its own serves it at /ca.pem." placeholder:"FILE" type:"path"`
	Data      string   `help:"Data directory of a hub on this machine, whose own authority is trusted if it has one." default:"data" type:"path" env:"HUB_DATA"`
}

// tokenVariable holds a token for tools.
const tokenVariable = "HUB_TOKEN"

// maxTokenFile bounds what is read as a token; the hub takes 4 KiB.
const maxTokenFile = 8 << 10

// open returns a client, and whether it has a token.
func (r *reach) open() (c *client.Client, vouched bool, err error) {
	roots, err := r.roots()
	if err != nil {
		return nil, false, err
	}
	token, err := r.token()
	if err != nil {
		return nil, false, err
	}
	config := client.Config{Hubs: r.Hub, RootCAs: roots}
	if r.Wire != "auto" {
		config.Wire = client.Wire(r.Wire)
	}
	if r.HTTP != "auto" {
		config.Protocol = client.Protocol(r.HTTP)
	}
	if token != "" {
		config.Token = client.StaticToken(token)
	}
	if c, err = client.New(config); err != nil {
		return nil, false, argument(err)
	}
	return c, token != "", nil
}

// hubs names those that were asked for.
func (r *reach) hubs() string { return strings.Join(r.Hub, ", ") }

// argument makes a refused flag of an error about client.Config.
func argument(err error) error {
	if e, ok := errors.AsType[*event.Error](err); ok {
		field, _, _ := strings.Cut(e.Field, "[")
		flag := map[string]string{"Hubs": "--hub: ", "Wire": "--wire: ", "Protocol": "--wire and --http: "}[field]
		return fmt.Errorf("%w: %s%s", errArguments, flag, e.Detail)
	}
	return err
}

func (r *reach) token() (string, error) {
	if r.TokenFile == "" {
		return strings.TrimSpace(os.Getenv(tokenVariable)), nil
	}
	f, err := os.Open(r.TokenFile)
	if err != nil {
		return "", fmt.Errorf("%w: --token-file: %w", errArguments, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxTokenFile))
	if err != nil {
		return "", fmt.Errorf("%w: --token-file: %w", errArguments, err)
	}
	token := strings.TrimSpace(string(b))
	if token == "" || strings.ContainsAny(token, " \n\r\t") {
		return "", fmt.Errorf("%w: --token-file: %s must hold one token and nothing else", errArguments, r.TokenFile)
	}
	return token, nil
}

// roots are the authorities to trust: the one given, else those of the system
// and the own one of a hub on this machine.
func (r *reach) roots() (*x509.CertPool, error) {
	file, needed := r.CA, true
	pool := x509.NewCertPool()
	if file == "" {
		file, needed = filepath.Join(tlsDir(r.Data), "ca.pem"), false
		if system, err := x509.SystemCertPool(); err == nil {
			pool = system
		}
	}
	pem, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !needed:
		return pool, nil
	case err != nil:
		return nil, fmt.Errorf("%w: the authority to trust: %w", errArguments, err)
	case !pool.AppendCertsFromPEM(pem):
		return nil, fmt.Errorf("%w: there is no certificate in %s", errArguments, file)
	}
	return pool, nil
}

// advise turns what went wrong with a hub into what a person can do about it.
// Where they ended the command themselves nothing did.
func (r *reach) advise(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = nil
	}
	refused, ok := errors.AsType[*client.Error](err)
	switch {
	case err == nil:
		return nil
	case !ok && event.CodeOf(err) != event.Internal:
		return argument(err)
	case client.Untrusted(err):
		return fmt.Errorf("the certificate of %s is not trusted; give its authority with --ca (the hub serves it at %s/ca.pem), or its directory with --data: %w", r.hubs(), r.Hub[0], err)
	case !ok:
		return fmt.Errorf("no answer from %s: %w", r.hubs(), err)
	case refused.Code == event.Unauthenticated, refused.Code == event.BadToken, refused.Code == event.TokenExpired:
		return fmt.Errorf("%s (give a token with --token-file or %s; hub token signs one)", refused.Detail, tokenVariable)
	default:
		return errors.New(refused.Detail)
	}
}
