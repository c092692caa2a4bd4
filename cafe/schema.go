package cafe

import (
	"encoding/json"

	"everything.local/event"
)

// The types of events. They are stored for ever: only add to them.
const (
	typeSiteOpened          = "site.opened"
	typeMenuImported        = "menu.imported"
	typeItemPut             = "item.put"
	typeItemRetired         = "item.retired"
	typeItemAvailabilitySet = "item.availability_set"
	typeOrderPlaced         = "order.placed"
	typeOrderAccepted       = "order.accepted"
	typeOrderDeclined       = "order.declined"
	typeOrderStarted        = "order.started"
	typeOrderReadied        = "order.readied"
	typeOrderPickedUp       = "order.picked_up"
	typeOrderCancelled      = "order.cancelled"
	typeAnnouncementPosted  = "announcement.posted"
	typeAnnouncementStarted = "announcement.started"
	typeAnnouncementEnded   = "announcement.ended"
	typeCustomerForgotten   = "customer.forgotten"
	typeScreenPaired        = "screen.paired"
)

// CustomerForgotten is the type of the event after which nobody may keep what
// was folded before it: that still has the customer's name.
const CustomerForgotten = typeCustomerForgotten

// schemas has how every version of every type of event is read and folded. A
// change of what an event holds is a new version beside the old one.
var schemas = collect(
	of(typeSiteOpened, 1, event.KindSite, (*State).siteOpened),
	of(typeMenuImported, 1, event.KindMenu, (*State).menuImported),
	of(typeItemPut, 1, event.KindItem, (*State).itemPut),
	of(typeItemRetired, 1, event.KindItem, (*State).itemRetired),
	of(typeItemAvailabilitySet, 1, event.KindItem, (*State).itemAvailabilitySet),
	of(typeOrderPlaced, 1, event.KindOrder, (*State).orderPlaced),
	of(typeOrderAccepted, 1, event.KindOrder, (*State).orderAccepted),
	of(typeOrderDeclined, 1, event.KindOrder, (*State).orderDeclined),
	of(typeOrderStarted, 1, event.KindOrder, (*State).orderStarted),
	of(typeOrderReadied, 1, event.KindOrder, (*State).orderReadied),
	of(typeOrderPickedUp, 1, event.KindOrder, (*State).orderPickedUp),
	of(typeOrderCancelled, 1, event.KindOrder, (*State).orderCancelled),
	of(typeAnnouncementPosted, 1, event.KindAnnouncement, (*State).announcementPosted),
	of(typeAnnouncementStarted, 1, event.KindAnnouncement, (*State).announcementStarted),
	of(typeAnnouncementEnded, 1, event.KindAnnouncement, (*State).announcementEnded),
	of(typeCustomerForgotten, 1, event.KindCustomer, (*State).customerForgotten),
	of(typeScreenPaired, 1, event.KindScreen, (*State).screenPaired),
)

type schemaKey struct {
	typ     string
	version int
}

// schema is one version of one type of event.
type schema struct {
	schemaKey
	kind event.Kind
	// fold checks the event first and changes the state only when it fits.
	fold func(*State, *changes, event.Event) error
	// data returns a pointer to the zero value of what the event holds.
	data func() any
}

func of[T any](typ string, version int, kind event.Kind, fold func(*State, *changes, event.Event, T) error) schema {
	return schema{
		schemaKey: schemaKey{typ, version},
		kind:      kind,
		fold: func(s *State, c *changes, e event.Event) error {
			var data T
			if err := json.Unmarshal(e.Data, &data); err != nil {
				return err
			}
			return fold(s, c, e, data)
		},
		data: func() any { return new(T) },
	}
}

func collect(list ...schema) map[schemaKey]schema {
	m := make(map[schemaKey]schema, len(list))
	for _, s := range list {
		m[s.schemaKey] = s
	}
	return m
}
