package cafe

import (
	"time"

	"everything.local/event"
)

// Command is something somebody, or the clock, wants to happen: one of the
// types below. Its values are as the caller sent them; Decide checks them.
type Command interface{ command() }

// Meta is what is known about a command beside what it asks for.
type Meta struct {
	// Command identifies the intention, see event.CommandID.
	Command event.Command
	// By is who asks.
	By Caller
	// Now is the hub's clock. The events decided are never older than the
	// newest event of the state.
	Now time.Time
	// Policy is the house's rules at the time of deciding.
	Policy Policy
}

// Caller is who asks. Decide holds the rules about what belongs to whom; which
// role may give which command is checked before (package auth).
type Caller struct {
	// Role is "customer", "barista", "admin", "display" or "hub".
	Role string
	// ID is the hub-made id of the caller, stored with the event.
	ID string
}

// Policy is the house's rules; zero fields take the defaults, and none grants
// more than a week.
type Policy struct {
	// AcceptWithin is how long an order waits to be accepted; default 5 min.
	AcceptWithin time.Duration
	// PickupWithin is how long a ready order waits to be picked up; default
	// 30 min.
	PickupWithin time.Duration
}

// OpenSite begins the log, or a new epoch of it after a restore.
type OpenSite struct {
	Epoch, Site string
	// Mode is "live", "demo" or "test".
	Mode string
}

// ImportMenu puts many items on the menu in one event, each as PutItem does.
type ImportMenu struct{ Items []Item }

// PutItem puts an item on the menu or replaces what the menu says of it. For an
// item that is on the menu Available and Remaining are ignored: what can be had
// today is SetAvailability's alone, so that saving a new price neither restocks
// nor sells out.
type PutItem struct{ Item Item }

// RetireItem takes an item off the menu.
type RetireItem struct{ Item string }

// SetAvailability says whether an item can be had, and how many there are.
type SetAvailability struct {
	Item      string
	Available bool
	// Remaining limits how many can be ordered from now on, 0 to 10,000; nil
	// for no limit.
	Remaining *int32
}

// PlaceOrder orders drinks. The order's id and owner follow from the Meta.
type PlaceOrder struct {
	// Name is called out when the order is ready. Optional, personal.
	Name  string
	Items []LineRequest
	// Note is for whoever makes it. Optional, personal.
	Note string
}

// LineRequest is one wish of an order. Size and Options left empty take the
// item's defaults; prices are the menu's, never the caller's.
type LineRequest struct {
	Item     string
	Size     string
	Options  []string
	Quantity int32
}

// Advance moves an order one step along its life.
type Advance struct {
	Order string
	Step  Step
	// Reason says why, for Decline only: OutOfStock, Closing or Other, which
	// it is when empty.
	Reason string
}

// Step is what is done to an order.
type Step string

// The steps that callers may take.
const (
	Accept  Step = "accept"
	Decline Step = "decline"
	Start   Step = "start"
	Ready   Step = "ready"
	Pickup  Step = "pickup"
	Cancel  Step = "cancel"
)

// PostAnnouncement tells everybody something, now or from From, until Until.
type PostAnnouncement struct {
	Text string
	// From and Until are zero for "now" and "until withdrawn".
	From, Until time.Time
}

// WithdrawAnnouncement ends an announcement before its time.
type WithdrawAnnouncement struct{ Announcement string }

// PairScreen lets a screen that shows Code see what displays see.
type PairScreen struct{ Code, Name string }

// ForgetCustomer removes a customer's personal fields from sight; Key is the
// id of the key that was deleted before, empty when there was none.
type ForgetCustomer struct{ Customer, Key string }

// Elapse is the clock's: the timer has come due. Nothing comes of it when what
// it timed has moved on. On an error fire it again: it was too early (Conflict),
// or this hub has not read what set it (Behind).
type Elapse struct{ Timer Timer }

func (OpenSite) command()             {}
func (ImportMenu) command()           {}
func (PutItem) command()              {}
func (RetireItem) command()           {}
func (SetAvailability) command()      {}
func (PlaceOrder) command()           {}
func (Advance) command()              {}
func (PostAnnouncement) command()     {}
func (WithdrawAnnouncement) command() {}
func (PairScreen) command()           {}
func (ForgetCustomer) command()       {}
func (Elapse) command()               {}
