package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"time"

	"everything.local/auth"
	"everything.local/event"
	"everything.local/streams"
)

// forgetCommand is hub forget.
type forgetCommand struct {
	Customer string `arg:"" help:"Id of the customer, as in orders/<customer>."`
	config
}

// Run forgets through the hub that runs on the data directory, or, if none
// does, on the directory itself.
func (c *forgetCommand) Run(ctx context.Context, s streamsOut) error {
	if err := c.settle(); err != nil {
		return err
	}
	if !event.ValidID(c.Customer) || len(c.Customer) != event.IDLength {
		return fmt.Errorf("%w: %s is no customer's id; it has %d letters and digits, as in the topic orders/<customer>", errConfig, event.Quote(c.Customer), event.IDLength)
	}
	// Where no hub has been, opening would begin a new site, and there is
	// nobody to forget.
	if _, _, err := streams.Owner(c.Data); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is no hub's data directory; give --data", errConfig, c.Data)
	}
	err := c.offline(ctx)
	if errors.Is(err, streams.ErrLocked) {
		err = c.online(ctx)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s is forgotten: names and notes are unreadable from now on, also in every backup of the log that was made without its keys.\n", c.Customer)
	return err
}

func (c *forgetCommand) offline(ctx context.Context) error {
	a, err := newApp(ctx, c.config, c.logger(io.Discard))
	if err != nil {
		return err
	}
	failed, stop := a.followers(ctx)
	if err = a.readLog(ctx, failed); err == nil {
		_, err = a.api.Forget(ctx, c.Customer, byHub, commandOf("forget", event.NewID()))
	}
	return errors.Join(err, stop(), a.close(ctx))
}

// forgetWithin is how long a running hub may take; the log's own wait is 10 s.
const forgetWithin = 15 * time.Second

func (c *forgetCommand) online(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, forgetWithin)
	defer cancel()
	keys, err := auth.OpenKeys(keysDir(c.Data))
	if err != nil {
		return err
	}
	token, err := keys.Sign(auth.Claims{Role: auth.Admin, Subject: "hub-forget", TTL: time.Minute})
	if err != nil {
		return err
	}
	client := c.selfClient()
	defer client.CloseIdleConnections()
	_, port, _ := net.SplitHostPort(c.Listen) // settle has checked it
	r, err := http.NewRequestWithContext(ctx, http.MethodDelete, c.selfURL(port)+"/v1/customers/"+c.Customer, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("a hub runs on %s but does not answer on %s; give its --listen: %w", c.Data, c.Listen, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode < http.StatusMultipleChoices {
		return nil
	}
	var p struct {
		Detail string `json:"detail"`
	}
	_ = json.NewDecoder(answer.Body).Decode(&p) // the status says enough without
	return fmt.Errorf("the hub answered %s: %s", answer.Status, p.Detail)
}
