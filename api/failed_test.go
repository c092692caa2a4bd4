package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"everything.local/auth"
	"everything.local/event"
)

// failedLog takes no writes until it is mended.
type failedLog struct {
	event.Log
	asked *int
}

func (l failedLog) err() error {
	*l.asked++
	return fmt.Errorf("%w: %w: no space left", event.ErrUnavailable, event.ErrFailed)
}

func (l failedLog) Append(context.Context, event.Command, ...event.Write) (event.Receipt, error) {
	return event.Receipt{}, l.err()
}

func (l failedLog) Forget(context.Context, string, string) (string, error) { return "", l.err() }

// A log that takes no writes is asked once: its caller need not wait for the
// time that an election may take, and is told what to do.
func TestFailedLogIsAskedOnce(t *testing.T) {
	asked := 0
	open := newSite(t)
	s := open.join(failedLog{open.log, &asked}, newFollower())
	ada := event.DeriveID("customer", "ada")
	for _, r := range []response{
		s.do("POST", "/v1/orders", latte, s.as(auth.Customer, "ada")),
		s.do("DELETE", "/v1/customers/"+ada, "", s.as(auth.Admin, "boss")),
	} {
		if r.status != http.StatusServiceUnavailable || !strings.Contains(string(r.body), "tell the staff") || strings.Contains(string(r.body), "no space left") {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	if asked != 2 {
		t.Errorf("the log was asked %d times for two commands", asked)
	}
}
