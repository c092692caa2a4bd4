package main

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"

	"everything.local/cafe"
	"everything.local/streams"
)

// errConfig is a configuration that must be mended before the hub can run.
var errConfig = errors.New("configuration")

// config is what the hub is told. Every field is a flag, an environment
// variable and a key of the YAML file, under the same name.
type config struct {
	Config kong.ConfigFlag `help:"YAML file with these settings." placeholder:"FILE" env:"HUB_CONFIG"`

	Listen string `help:"Address to serve on." default:":8443" env:"HUB_LISTEN"`
	Data   string `help:"Directory of the log, the keys and the certificates (default ./data, with --demo ./data-demo)." type:"path" env:"HUB_DATA"`
	Site   string `help:"Name of the café or household, shown on its pages. A data directory keeps the one it was made with (a new one: Everything)." env:"HUB_SITE"`
	Mode   string `help:"What the orders are: live, demo or test. A data directory keeps the mode it was made with (a new one: live)." enum:"live,demo,test," default:"" env:"HUB_MODE"`
	Demo   bool   `help:"Simulate a café morning, in a directory of its own." env:"HUB_DEMO"`

	Host      []string   `help:"Further names and addresses this hub is reached by, for its certificate." env:"HUB_HOST"`
	Cert      string     `help:"Certificate file to use instead of the hub's own; reloaded when it changes." type:"path" env:"HUB_CERT"`
	Key       string     `help:"Key file of --cert." type:"path" env:"HUB_KEY"`
	ACME      acmeConfig `embed:"" prefix:"acme-"`
	AltSvc    string     `name:"alt-svc" help:"Whether answers send browsers on to HTTP/3: ${enum}; auto is for names with a certificate that this machine's own roots vouch for." enum:"auto,on,off" default:"auto" env:"HUB_ALT_SVC"`
	TLS12     bool       `name:"tls12" help:"Also speak TLS 1.2, for a TV from before 2020." env:"HUB_TLS12"`
	BoardHTTP string     `name:"board-http" help:"Address of a plain-HTTP listener that serves the public board and nothing else, for TVs that cannot trust the hub's certificate." placeholder:"ADDR" env:"HUB_BOARD_HTTP"`

	Admin         string `help:"Address of a plain-HTTP listener for who operates the hub: profiles, metrics, health. On the loopback interface, or unix:PATH." placeholder:"ADDR" env:"HUB_ADMIN"`
	AdminAnywhere bool   `name:"admin-anywhere" help:"Let --admin be an address that other machines reach. Whoever does sees the hub's memory." env:"HUB_ADMIN_ANYWHERE"`

	Guests       bool          `help:"Let people order by giving a name, without a token." default:"true" negatable:"" env:"HUB_GUESTS"`
	AllowOrigin  []string      `help:"Origins of other sites whose pages may follow this hub's feeds." env:"HUB_ALLOW_ORIGIN"`
	AcceptWithin time.Duration `help:"How long an order waits to be accepted before it is cancelled." default:"5m" env:"HUB_ACCEPT_WITHIN"`
	PickupWithin time.Duration `help:"How long a ready order waits to be picked up." default:"30m" env:"HUB_PICKUP_WITHIN"`

	Memory memory `help:"Memory the hub may keep, like 512MiB; short of it, nobody new is let in (default: half of the machine's, or of its control group's)." placeholder:"SIZE" env:"HUB_MEMORY"`

	PrintTokens bool          `help:"Print a token per role at start. For trying it out; never in a unit file." env:"HUB_PRINT_TOKENS"`
	Log         string        `help:"Form of the log: ${enum}." enum:"text,json" default:"text" env:"HUB_LOG"`
	LogLevel    string        `help:"Least level logged: ${enum}." enum:"debug,info,warn,error" default:"info" env:"HUB_LOG_LEVEL"`
	Drain       time.Duration `help:"How long clients are given to leave when the hub stops." default:"4s" env:"HUB_DRAIN"`
}

// settle fills what follows from other settings and checks what the command
// line parser cannot. Errors wrap errConfig and say what to change.
func (c *config) settle() error {
	if c.Demo {
		c.Mode = "demo"
	}
	if c.Data == "" {
		c.Data = "data"
		if c.Mode == "demo" {
			c.Data = "data-demo"
		}
	}
	c.Data, _ = filepath.Abs(c.Data)
	if c.Memory == 0 {
		c.Memory = defaultMemory(os.DirFS("/"))
	}
	c.adopt()
	for _, a := range []struct{ flag, addr string }{{"--listen", c.Listen}, {"--board-http", c.BoardHTTP}, {"--admin", c.Admin}} {
		if a.addr == "" || strings.HasPrefix(a.addr, unixPrefix) && a.flag == "--admin" {
			continue
		}
		_, port, err := net.SplitHostPort(a.addr)
		if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
			return fmt.Errorf("%w: %s %q is not host:port, like :8443 or 127.0.0.1:8443", errConfig, a.flag, a.addr)
		}
	}
	if err := c.checkAdmin(); err != nil {
		return err
	}
	for _, o := range c.AllowOrigin {
		if u, err := url.Parse(o); err != nil || u.Scheme != "https" || u.Host == "" || strings.TrimSuffix(o, "/") != "https://"+u.Host {
			return fmt.Errorf("%w: --allow-origin %q is no origin, like https://pi-2.local:8443", errConfig, o)
		}
	}
	switch {
	case (c.Cert == "") != (c.Key == ""):
		return fmt.Errorf("%w: --cert and --key go together; give both or neither", errConfig)
	case c.Cert != "" && c.ACME.DNS != "":
		return fmt.Errorf("%w: --cert and --acme-dns are two ways to the same; give one", errConfig)
	case c.ACME.DNS == "" && c.ACME.given():
		return fmt.Errorf("%w: --acme-… is given without --acme-dns, which says where names are proved", errConfig)
	case c.AcceptWithin < 10*time.Second || c.AcceptWithin > 24*time.Hour:
		return fmt.Errorf("%w: --accept-within %v is outside 10s to 24h", errConfig, c.AcceptWithin)
	case c.PickupWithin < 10*time.Second || c.PickupWithin > 24*time.Hour:
		return fmt.Errorf("%w: --pickup-within %v is outside 10s to 24h", errConfig, c.PickupWithin)
	case c.Memory < leastMemory:
		return fmt.Errorf("%w: --memory %v is less than %v", errConfig, c.Memory, memory(leastMemory))
	case c.Drain < 0 || c.Drain > maxDrain:
		return fmt.Errorf("%w: --drain %v is outside 0s to %v", errConfig, c.Drain, maxDrain)
	case utf8.RuneCountInString(c.Site) > 60 || strings.TrimSpace(c.Site) == "" || strings.ContainsFunc(c.Site, unicode.IsControl):
		return fmt.Errorf("%w: --site is 1 to 60 characters in one line", errConfig)
	}
	return nil
}

// adopt takes over the name and mode of the data directory where none is given,
// so that a hub is restarted, or a customer forgotten, without repeating them.
// What is wrong with the directory is said when it is opened.
func (c *config) adopt() {
	site, mode, _ := streams.Owner(c.Data)
	c.Site = cmp.Or(c.Site, site, "Everything")
	c.Mode = cmp.Or(c.Mode, mode, "live")
}

func (c *config) policy() cafe.Policy {
	return cafe.Policy{AcceptWithin: c.AcceptWithin, PickupWithin: c.PickupWithin}
}

// logger writes to w as configured. Nothing secret is ever given to it.
func (c *config) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // an enum of its names
	o := &slog.HandlerOptions{Level: level}
	if c.Log == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// loadYAML reads the file of --config. Its keys are the flags' names; an
// unknown one is refused, since a setting that does nothing is a trap. An
// environment variable wins over the file.
func loadYAML(r io.Reader) (kong.Resolver, error) {
	values := map[string]any{}
	if err := yaml.NewDecoder(r).Decode(&values); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %w", errConfig, err)
	}
	return yamlResolver(values), nil
}

type yamlResolver map[string]any

// Validate refuses keys that are no flag.
func (y yamlResolver) Validate(app *kong.Application) error {
	known := map[string]bool{}
	for _, flags := range app.AllFlags(false) {
		for _, f := range flags {
			known[f.Name] = true
		}
	}
	for _, command := range app.Leaves(false) {
		for _, flags := range command.AllFlags(false) {
			for _, f := range flags {
				known[f.Name] = true
			}
		}
	}
	for key := range y {
		if !known[key] {
			return fmt.Errorf("%w: unknown setting %q; hub serve --help lists them", errConfig, key)
		}
	}
	return nil
}

// Resolve gives a flag its value from the file.
func (y yamlResolver) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	value, ok := y[flag.Name]
	if !ok || slices.ContainsFunc(flag.Envs, func(e string) bool { _, set := os.LookupEnv(e); return set }) {
		return nil, nil
	}
	// YAML takes 8443 for a number and true for a truth value; here they are what
	// they would be on the command line.
	switch v := value.(type) {
	case []any:
		if !flag.IsSlice() {
			return nil, fmt.Errorf("%w: %s takes one value, not a list", errConfig, flag.Name)
		}
		return value, nil
	case map[string]any, nil:
		return nil, fmt.Errorf("%w: %s has no value; give one, or leave it out", errConfig, flag.Name)
	default:
		return fmt.Sprint(v), nil
	}
}

// checkCommand is hub check.
type checkCommand struct{ config }

// Run says whether hub serve would take the configuration.
func (c *checkCommand) Run(s streamsOut) error {
	if err := c.settle(); err != nil {
		return err
	}
	if c.Cert != "" {
		if _, err := tls.LoadX509KeyPair(c.Cert, c.Key); err != nil {
			return fmt.Errorf("%w: --cert and --key: %w", errConfig, err)
		}
	}
	if _, err := c.openACME(nil); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.out, "The configuration is good: %s on %s, data in %s.\n", c.Mode, c.Listen, c.Data)
	return err
}
