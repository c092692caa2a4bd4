package cafe

import "everything.local/event"

// someone stands for a name that was forgotten.
const someone = "someone"

type customerForgottenV1 struct {
	Customer string `json:"customer"`
	Key      string `json:"key,omitempty"`
}

// forgetCustomer writes also when there is no key: it may have been deleted by
// a try that ended before its event was written.
func (d decision) forgetCustomer(c ForgetCustomer) ([]event.Write, error) {
	own := c.Customer == d.m.By.ID
	if !event.ValidID(c.Customer) || (!own && !d.m.By.isStaff()) {
		return nil, event.Errorf(event.NotFound, "there is no customer %s that you may forget", event.Quote(c.Customer))
	}
	return d.write(Subject(c, d.m), typeCustomerForgotten, customerForgottenV1(c)), nil
}

// customerForgotten shows every kept order of the customer anew, whether its
// personal fields could be read or not: a hub that reads the log after the key
// is gone must come to the same entries with the same sequences.
func (s *State) customerForgotten(c *changes, e event.Event, data customerForgottenV1) error {
	if data.Customer != e.Subject.ID {
		return errData
	}
	for _, id := range s.customers[data.Customer] {
		o := s.orders[id]
		o.forget()
		s.show(c, o)
	}
	return nil
}
