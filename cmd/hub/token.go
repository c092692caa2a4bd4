package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"everything.local/auth"
)

// tokenCommand is hub token.
type tokenCommand struct {
	Role string        `help:"What the bearer may do: ${enum}." enum:"customer,barista,admin,display" required:""`
	Sub  string        `help:"Who it is: a name that stays the same for the same person or screen." required:""`
	TTL  time.Duration `name:"ttl" help:"How long it is good for; by default as long as the role's sessions."`
	Data string        `help:"Data directory of the hub." default:"data" type:"path" env:"HUB_DATA"`
}

// Run prints a token signed with the data directory's newest key.
func (c *tokenCommand) Run(s streamsOut) error {
	// The hub makes its keys when it first starts. A key made here, for a
	// mistyped directory, would sign what no hub believes.
	if _, err := os.Stat(keysDir(c.Data)); err != nil {
		return fmt.Errorf("%w: no hub has been started on %s; start it first, or give --data", errConfig, c.Data)
	}
	keys, err := auth.OpenKeys(keysDir(c.Data))
	if err != nil {
		return err
	}
	token, err := keys.Sign(auth.Claims{Role: auth.Role(c.Role), Subject: c.Sub, TTL: c.TTL})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, token)
	return err
}

// The parts of a data directory that are not the log's.
func keysDir(data string) string { return filepath.Join(data, "keys") }
func tlsDir(data string) string  { return filepath.Join(data, "tls") }
