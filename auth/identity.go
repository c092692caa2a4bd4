package auth

import (
	"log/slog"
	"time"

	"everything.local/event"
)

// Role is what kind of caller somebody is. The empty Role is anybody who has
// not said who they are.
type Role string

// The roles. They are stored in events and tokens: never rename one.
const (
	Anonymous Role = ""
	// Customer orders, and follows their own orders.
	Customer Role = "customer"
	// Barista works the orders off.
	Barista Role = "barista"
	// Admin keeps the menu and the house.
	Admin Role = "admin"
	// Display is a screen in the kitchen: it sees and does nothing.
	Display Role = "display"
)

// Lifetimes of tokens by role.
const (
	// A guest who comes once a month keeps their orders.
	customerLifetime = 30 * 24 * time.Hour
	// A shift with its breaks: a tablet left behind is nobody's the next day.
	staffLifetime = 12 * time.Hour
	// A screen on a wall is paired twice a year at most.
	displayLifetime = 180 * 24 * time.Hour
	// MaxLifetime bounds what a token may be signed for. Browsers keep no
	// cookie longer than 400 days.
	MaxLifetime = 366 * 24 * time.Hour
)

// Lifetime is how long a token of the role is good for unless asked for
// otherwise; 0 for what is no role that tokens have.
func (r Role) Lifetime() time.Duration {
	switch r {
	case Customer:
		return customerLifetime
	case Barista, Admin:
		return staffLifetime
	case Display:
		return displayLifetime
	case Anonymous:
	}
	return 0
}

// Identity is who is calling. The zero Identity is anonymous.
type Identity struct {
	Role Role
	// Subject is the name the token was signed for. It may be a person's: it
	// stays in the process, ID is what is stored and shown.
	Subject string
	// ID is the caller's hub-made id, the same for the same role and subject.
	ID string
	// Customer is the id whose orders are the caller's own; only customers
	// have one.
	Customer string
	// Name is what a guest wants to be called. Personal.
	Name string
	// Expires is when the caller stops being one: their feeds end then.
	Expires time.Time
	// FeedOnly is set for the bearer of a ticket, who may open feeds and
	// nothing else.
	FeedOnly bool

	// lapsed is why a caller with a cookie is anonymous nevertheless.
	lapsed *event.Error
}

// identify returns the identity of a role's subject.
func identify(role Role, subject string) Identity {
	i := Identity{Role: role, Subject: subject, ID: event.DeriveID(string(role), subject)}
	if role == Customer {
		i.Customer = i.ID
	}
	return i
}

// By is how events name the caller, "<role>/<id>".
func (i Identity) By() string { return string(i.Role) + "/" + i.ID }

// LogValue keeps subject and name out of logs.
func (i Identity) LogValue() slog.Value { return slog.StringValue(i.By()) }
