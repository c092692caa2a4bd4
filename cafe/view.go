package cafe

// The views are what people see. Their JSON, as encoding/json writes it, is
// both the value of topic entries and the body of REST answers; proto/ has the
// same schema and a test holds the two together. Optional members are absent,
// never null or zero, where the two mean different things.

// Money is an amount of a currency.
type Money struct {
	// Amount is in minor units: cents.
	Amount int32 `json:"amount"`
	// Currency is an ISO 4217 code.
	Currency string `json:"currency"`
}

// Item is what can be ordered: the value of an entry of the menu topic, keyed
// by ID.
type Item struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// Category groups items on pages, in order of first appearance.
	Category string `json:"category"`
	// Position orders items within the menu.
	Position int32 `json:"position"`
	// Price is of the default size without extras.
	Price Money `json:"price"`
	// Sizes has the default first; empty when there is but one size.
	Sizes []Choice `json:"sizes,omitempty"`
	// Options are groups to choose from: milk, extras.
	Options []OptionGroup `json:"options,omitempty"`
	// Allergens are of the item as it comes; see AllergenNames. Absent means
	// not stated, an empty list none.
	Allergens *[]string `json:"allergens,omitempty"`
	// Available says that it can be had now: staff offer it and, when it is
	// counted, some are left.
	Available bool `json:"available"`
	// Remaining is how many are left; absent when not counted.
	Remaining *int32 `json:"remaining,omitempty"`
}

// Choice is a size or an option.
type Choice struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Extra is added to the item's price, in its currency's minor units; it
	// may be negative.
	Extra int32 `json:"extra"`
	// Allergens are added by choosing this; Frees are taken away.
	Allergens []string `json:"allergens,omitempty"`
	Frees     []string `json:"frees,omitempty"`
	Available bool     `json:"available"`
}

// OptionGroup is a set of choices of which at most Most may be taken; when
// Default is set one always is.
type OptionGroup struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Most int32  `json:"most"`
	// Default is the choice taken when none is named; empty for none.
	Default string   `json:"default,omitempty"`
	Choices []Choice `json:"choices"`
}

// Order is an order and the kitchen's ticket: the value of an entry of
// orders/<customer> and of kitchen, keyed by ID.
type Order struct {
	ID string `json:"id"`
	// Number is what is called out, 1 to 999.
	Number int32  `json:"number"`
	Status Status `json:"status"`
	// Name is absent when none was given, and "someone" once forgotten.
	Name  string `json:"name,omitempty"`
	Items []Line `json:"items"`
	Note  string `json:"note,omitempty"`
	Total Money  `json:"total"`
	// Customer is whose order it is.
	Customer string `json:"customer"`
	// Reason says why an order was declined or cancelled: OutOfStock, Closing,
	// Other; ByCustomer, NotAccepted, NotPickedUp.
	Reason string `json:"reason,omitempty"`
	// The instants of each step, in event.TimeLayout, absent before it.
	PlacedAt   string `json:"placed_at"`
	AcceptedAt string `json:"accepted_at,omitempty"`
	StartedAt  string `json:"started_at,omitempty"`
	ReadyAt    string `json:"ready_at,omitempty"`
	// EndedAt is when it was picked up, declined or cancelled.
	EndedAt string `json:"ended_at,omitempty"`
	// AcceptBy and PickupBy are when the clock will cancel it, present only
	// while it waits for that.
	AcceptBy string `json:"accept_by,omitempty"`
	PickupBy string `json:"pickup_by,omitempty"`
}

// Line is one line of an order, with the prices it was ordered at.
type Line struct {
	Item     string       `json:"item"`
	Name     string       `json:"name"`
	Size     *LineChoice  `json:"size,omitempty"`
	Options  []LineChoice `json:"options,omitempty"`
	Quantity int32        `json:"quantity"`
	// Unit is the price of one, Total of all.
	Unit  Money `json:"unit"`
	Total Money `json:"total"`
	// MenuSeq is the version of the menu's entry the price was copied from.
	MenuSeq int64 `json:"-"`
}

// LineChoice is a chosen size or option by its id and the name it had.
type LineChoice struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Default says that the item comes like this; a ticket shows the others.
	Default bool `json:"default,omitempty"`
}

// Status is where an order is in its life.
type Status string

// The statuses.
const (
	Placed    Status = "placed"
	Accepted  Status = "accepted"
	Preparing Status = "preparing"
	IsReady   Status = "ready"
	PickedUp  Status = "picked_up"
	Declined  Status = "declined"
	Cancelled Status = "cancelled"
)

// Open reports whether an order in this status is still on its way.
func (s Status) Open() bool {
	return s == Placed || s == Accepted || s == Preparing || s == IsReady
}

// BoardLine is what everybody may see of an open order: the value of an entry
// of board, keyed by the number.
type BoardLine struct {
	Number int32 `json:"number"`
	// Name is the first word of the order's name, at most 12 characters.
	Name string `json:"name,omitempty"`
	// Drink is the first line's item, "Latte +2" with two more of any kind.
	Drink  string `json:"drink"`
	Status Status `json:"status"`
	// Since is when it came to this status.
	Since string `json:"since"`
}

// Announcement is the value of an entry of announcements, keyed by ID. It is in
// force from From until it is withdrawn or Until has passed.
type Announcement struct {
	ID    string `json:"id"`
	Text  string `json:"text"`
	From  string `json:"from"`
	Until string `json:"until,omitempty"`
}

// Timer is the value of an entry of timers, keyed by its ID: at Due the clock
// gives the command Elapse with it.
type Timer struct {
	// ID is "<kind of timer>.<aggregate id>.<seq it was set by>"; a timer that
	// is set anew has another id.
	ID string `json:"id"`
	// What is "accept", "pickup", "announce" or "unannounce".
	What string `json:"what"`
	// Of is the id of the order or announcement.
	Of string `json:"of"`
	// Due is in event.TimeLayout.
	Due string `json:"due"`
}
