// Loadtest puts a hub under load, over the wire and from outside, checks that
// nobody misses, repeats or reorders anything, and says what it cost beside the
// least that it could have cost.
//
//	go run ./loadtest fanout --target https://127.0.0.1:8443 --token-file admin.token
//
// See loadtest --help and docs/loadtest.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"everything.local/loadtest/floor"
	"everything.local/loadtest/scenario"
)

func main() {
	// The harness's own collections are not to be taken for the hub's latency.
	debug.SetGCPercent(garbage)
	debug.SetMemoryLimit(enough)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, errUsage) {
		fmt.Fprintln(os.Stderr, "loadtest:", err)
	}
	os.Exit(exitCode(err))
}

const (
	// garbage is how much of it there may be, in percent of what is in use.
	garbage = 400
	// enough memory is what garbage may not go beyond.
	enough = 2 << 30
)

// errUsage is a command line that has been explained; errViolated is a run in
// which something happened that must not.
var (
	errUsage    = errors.New("bad usage")
	errViolated = errors.New("the hub did not keep its promises; see the violations above")
)

// streams is where a command reads and writes.
type streams struct{ out, err io.Writer }

// run is main without the process.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var cli commands
	exited := -1
	parser, err := kong.New(&cli,
		kong.Name("loadtest"),
		kong.Description(description),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(streams{stdout, stderr}),
		kong.Vars{"journeys": strings.Join(scenario.Journeys(), ", ")},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		return fmt.Errorf("command line: %w", err)
	}
	command, err := parser.Parse(args)
	if exited >= 0 { // --help
		return nil
	}
	if err != nil {
		fmt.Fprintf(stderr, "loadtest: %v\nTry: loadtest --help\n", err)
		return errUsage
	}
	return command.Run()
}

// exitCode is 1 for a violation and anything else that went wrong, 2 for a
// command line to be mended.
func exitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage), errors.Is(err, scenario.ErrConfig):
		return 2
	default:
		return 1
	}
}

// bareCommand is the floor's server: this program again, in a process whose
// processor time can be read.
type bareCommand struct{}

// Run serves until its input ends.
func (bareCommand) Run(ctx context.Context, s streams) error {
	return floor.Serve(ctx, os.Stdin, s.out)
}
