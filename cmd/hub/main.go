// Hub is the edge of Everything, the coffee-ordering system: on each Pi one
// process that takes orders, keeps every fact in an embedded, durable log, and
// streams orders, menu and announcements to phones, screens and tablets.
//
//	hub serve --print-tokens
//
// See hub --help for the commands and README.md for how it is run.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the build.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, errUsage) {
		fmt.Fprintln(os.Stderr, "hub:", err)
	}
	os.Exit(exitCode(err))
}

// commands is the command line. The documentation of a flag is its help text.
type commands struct {
	Serve   serveCommand   `cmd:"" default:"withargs" help:"Run the hub (the default command)."`
	Watch   watchCommand   `cmd:"" help:"Follow a hub's topics over any wire, and print what changes."`
	Order   orderCommand   `cmd:"" help:"Order something, and follow the order with --wait."`
	Token   tokenCommand   `cmd:"" help:"Sign a token for a person or a screen."`
	Forget  forgetCommand  `cmd:"" help:"Forget a customer: their names and notes become unreadable everywhere."`
	Check   checkCommand   `cmd:"" help:"Check a configuration without running it."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// streamsOut is where a command writes for people and for programs.
type streamsOut struct{ out, err io.Writer }

// errUsage is a command line that kong has already explained.
var errUsage = errors.New("bad usage")

// run is main without the process: everything the program does, ended by ctx.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var cli commands
	exited := -1
	parser, err := kong.New(&cli,
		kong.Name("hub"),
		kong.Description("The edge of Everything, the coffee-ordering system: takes orders, keeps them, and streams them to every screen.\n\nFlags win over environment variables (HUB_…), which win over the file given by --config."),
		kong.UsageOnError(),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(streamsOut{stdout, stderr}),
		kong.Configuration(loadYAML),
		kong.Vars{"version": version},
	)
	if err != nil {
		return fmt.Errorf("command line: %w", err)
	}
	command, err := parser.Parse(args)
	if exited >= 0 { // --help
		return nil
	}
	if err != nil {
		fmt.Fprintf(stderr, "hub: %v\nTry: hub --help\n", err)
		return errUsage
	}
	return command.Run()
}

// exitCode follows sysexits where it helps whoever reads a unit's status: 2 is
// a command line or configuration to be mended, 1 anything else.
func exitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage), errors.Is(err, errConfig), errors.Is(err, errArguments):
		return 2
	default:
		return 1
	}
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(s streamsOut) error {
	_, err := fmt.Fprintln(s.out, "hub", version)
	return err
}
