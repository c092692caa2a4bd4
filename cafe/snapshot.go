package cafe

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"everything.local/event"
)

// snapshotVersion changes whenever the fold would come to another state from
// the same log, not only with the form of snapshots: an older one is then
// refused and the log folded from its beginning.
const snapshotVersion = 1

// errSnapshot is a snapshot that this program did not make.
var errSnapshot = errors.New("cafe: not a snapshot of this version")

// snapshot is the state with its maps as sorted lists, so that equal states
// are equal bytes. Lists that may be empty are left out when they are.
type snapshot struct {
	Version       int                    `json:"version"`
	Seq           uint64                 `json:"seq"`
	Now           string                 `json:"now"`
	Site          site                   `json:"site"`
	Currency      string                 `json:"currency,omitempty"`
	Items         []itemSnapshot         `json:"items,omitempty"`
	Placed        uint64                 `json:"placed"`
	Orders        []orderSnapshot        `json:"orders,omitempty"`
	Closed        []string               `json:"closed,omitempty"`
	Archive       []archived             `json:"archive,omitempty"`
	Announcements []announcementSnapshot `json:"announcements,omitempty"`
	Ended         []string               `json:"ended,omitempty"`
	Screens       []screen               `json:"screens,omitempty"`
	Aggregates    []aggregateSnapshot    `json:"aggregates,omitempty"`
	Forgotten     []string               `json:"forgotten,omitempty"`
}

type itemSnapshot struct {
	Plan    Item   `json:"plan"`
	Offered bool   `json:"offered"`
	Counted bool   `json:"counted"`
	Left    int32  `json:"left"`
	Seq     uint64 `json:"seq"`
}

type orderSnapshot struct {
	View Order `json:"view"`
	// MenuSeqs are those of the view's lines, which its JSON does not have.
	MenuSeqs []int64 `json:"menu_seqs"`
	Seq      uint64  `json:"seq"`
	Personal bool    `json:"personal"`
	TimerSet uint64  `json:"timer_set"`
	Taken    []stock `json:"taken,omitempty"`
}

type announcementSnapshot struct {
	View    Announcement `json:"view"`
	Seq     uint64       `json:"seq"`
	InForce bool         `json:"in_force"`
}

type aggregateSnapshot struct {
	Subject string   `json:"subject"`
	Last    uint64   `json:"last"`
	Answers []answer `json:"answers,omitempty"`
}

// Snapshot returns the state as bytes, the same for the same log wherever and
// however it was folded. They hold customers' names in the clear.
func (s *State) Snapshot() ([]byte, error) {
	snap := snapshot{
		Version: snapshotVersion, Seq: s.seq, Now: event.FormatTime(s.now),
		Site: s.site, Currency: s.currency, Placed: s.placed,
		Closed: s.closed, Archive: s.archive, Ended: s.ended,
		Screens: s.screens, Forgotten: s.forgotten,
	}
	for _, it := range s.items {
		snap.Items = append(snap.Items, itemSnapshot{it.plan, it.offered, it.counted, it.left, it.seq})
	}
	slices.SortFunc(snap.Items, func(a, b itemSnapshot) int { return strings.Compare(a.Plan.ID, b.Plan.ID) })
	for _, o := range s.orders {
		snap.Orders = append(snap.Orders, o.snapshot())
	}
	slices.SortFunc(snap.Orders, func(a, b orderSnapshot) int { return cmp.Compare(a.Seq, b.Seq) })
	for _, a := range s.announcements {
		snap.Announcements = append(snap.Announcements, announcementSnapshot{a.view, a.seq, a.inForce})
	}
	slices.SortFunc(snap.Announcements, func(a, b announcementSnapshot) int { return cmp.Compare(a.Seq, b.Seq) })
	for sub, a := range s.aggregates {
		snap.Aggregates = append(snap.Aggregates, aggregateSnapshot{sub.String(), a.last, a.answers})
	}
	slices.SortFunc(snap.Aggregates, func(a, b aggregateSnapshot) int { return strings.Compare(a.Subject, b.Subject) })
	b, err := json.Marshal(snap)
	if err != nil {
		return nil, fmt.Errorf("cafe: snapshot: %w", err)
	}
	return b, nil
}

func (o *order) snapshot() orderSnapshot {
	snap := orderSnapshot{View: o.view, Seq: o.seq, Personal: o.personal, TimerSet: o.timerSet, Taken: o.taken}
	for _, l := range o.view.Items {
		snap.MenuSeqs = append(snap.MenuSeqs, l.MenuSeq)
	}
	return snap
}

// Restore makes the state what it was when b was made. The state is unchanged
// on an error, after which the log is folded from its beginning.
func (s *State) Restore(b []byte) error {
	var snap snapshot
	if err := json.Unmarshal(b, &snap); err != nil {
		return fmt.Errorf("%w: %w", errSnapshot, err)
	}
	if snap.Version != snapshotVersion {
		return fmt.Errorf("%w: %d, not %d", errSnapshot, snap.Version, snapshotVersion)
	}
	now, err := event.ParseTime(snap.Now)
	if err != nil {
		return fmt.Errorf("%w: %w", errSnapshot, err)
	}
	fresh := New()
	fresh.seq, fresh.now, fresh.site, fresh.currency = snap.Seq, now, snap.Site, snap.Currency
	fresh.placed, fresh.closed, fresh.archive = snap.Placed, snap.Closed, snap.Archive
	fresh.ended, fresh.screens, fresh.forgotten = snap.Ended, snap.Screens, snap.Forgotten
	for _, it := range snap.Items {
		fresh.items[it.Plan.ID] = &item{it.Plan, it.Offered, it.Counted, it.Left, it.Seq}
	}
	for _, a := range snap.Announcements {
		fresh.announcements[a.View.ID] = &announcement{a.View, a.Seq, a.InForce}
	}
	for _, a := range snap.Aggregates {
		sub, err := event.ParseSubject(a.Subject)
		if err != nil {
			return fmt.Errorf("%w: %w", errSnapshot, err)
		}
		fresh.aggregates[sub] = &aggregate{a.Last, a.Answers}
	}
	for _, o := range snap.Orders {
		if err := fresh.restoreOrder(o); err != nil {
			return err
		}
	}
	if err := fresh.consistent(); err != nil {
		return err
	}
	*s = *fresh
	return nil
}

// restoreOrder enters an order into what is derived from the orders. They come
// in the order of their placing, as they did when folded.
func (s *State) restoreOrder(snap orderSnapshot) error {
	v := snap.View
	if len(v.Items) == 0 || len(snap.MenuSeqs) != len(v.Items) {
		return fmt.Errorf("%w: order %q has no lines", errSnapshot, v.ID)
	}
	for i := range v.Items {
		v.Items[i].MenuSeq = snap.MenuSeqs[i]
	}
	o := &order{v, snap.Seq, snap.Personal, snap.TimerSet, snap.Taken}
	s.orders[v.ID] = o
	s.customers[v.Customer] = append(s.customers[v.Customer], v.ID)
	if v.Status.Open() {
		s.putOnBoard(o)
	}
	return nil
}

// consistent reports a snapshot whose lists name what it does not have.
func (s *State) consistent() error {
	ended := 0
	for _, o := range s.orders {
		if !o.view.Status.Open() {
			ended++
		}
	}
	for _, id := range s.closed {
		if o, ok := s.orders[id]; !ok || o.view.Status.Open() {
			return fmt.Errorf("%w: order %q has not ended", errSnapshot, id)
		}
	}
	if ended != len(s.closed) {
		return fmt.Errorf("%w: %d orders have ended, %d are listed", errSnapshot, ended, len(s.closed))
	}
	for _, id := range s.forgotten {
		if _, ok := s.aggregates[event.Subject{Kind: event.KindCustomer, ID: id}]; !ok {
			return fmt.Errorf("%w: customer %q is not there", errSnapshot, id)
		}
	}
	return nil
}
