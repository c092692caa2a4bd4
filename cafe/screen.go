package cafe

import (
	"slices"
	"time"

	"everything.local/event"
)

const (
	// approvalLasts is how long a screen may take to notice its approval.
	approvalLasts = 10 * time.Minute
	// maxApprovals bounds the approvals in force; a site has a few screens.
	maxApprovals = 64
)

// screen is an approval of a pairing code.
type screen struct {
	ID       string    `json:"id"`
	CodeHash string    `json:"code_hash"`
	At       time.Time `json:"at"`
}

type screenPairedV1 struct {
	CodeHash string `json:"code_hash"`
	Name     string `json:"name,omitempty"`
}

// Screen returns the id of the screen whose code staff have approved within
// the last ten minutes.
func (s *State) Screen(code string, now time.Time) (id string, ok bool) {
	hash := codeHash(code)
	for _, sc := range slices.Backward(s.screens) {
		if sc.CodeHash == hash && now.Sub(sc.At) < approvalLasts {
			return sc.ID, true
		}
	}
	return "", false
}

// codeHash keeps codes themselves out of the log.
func codeHash(code string) string { return event.DeriveID("pairing code", code) }

func (d decision) pairScreen(c PairScreen) ([]event.Write, error) {
	if !isCode(c.Code) {
		return nil, event.Errorf(event.Invalid, "a pairing code has six digits; type the one that the screen shows").At("code")
	}
	name, err := text("name", c.Name, maxName)
	if err != nil {
		return nil, err
	}
	to := Subject(c, d.m)
	switch {
	case d.s.last(to) != 0:
		return nil, event.Errorf(event.Conflict, "this screen has been paired")
	case len(d.s.approvals(d.at)) >= maxApprovals:
		return nil, event.Errorf(event.Conflict, "%d screens were paired in the last minutes; wait ten minutes", maxApprovals)
	}
	return d.write(to, typeScreenPaired, screenPairedV1{codeHash(c.Code), name}), nil
}

func isCode(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) == 6
}

func (s *State) screenPaired(c *changes, e event.Event, data screenPairedV1) error {
	if data.CodeHash == "" {
		return errData
	}
	kept := s.approvals(c.at)
	kept = kept[max(0, len(kept)-maxApprovals+1):]
	for _, old := range s.screens[:len(s.screens)-len(kept)] {
		delete(s.aggregates, event.Subject{Kind: event.KindScreen, ID: old.ID})
	}
	s.screens = append(slices.Clone(kept), screen{e.Subject.ID, data.CodeHash, c.at})
	return nil
}

// approvals returns those of s.screens that are in force.
func (s *State) approvals(at time.Time) []screen {
	i := slices.IndexFunc(s.screens, func(sc screen) bool { return at.Sub(sc.At) < approvalLasts })
	if i < 0 {
		return nil
	}
	return s.screens[i:]
}
