package cafe

// take takes the order's items off the counted stock and reports whether all
// of it could be had. Several hubs may have sold the same croissant: what
// comes first in the log gets it. An item that has left the menu meanwhile was
// there when it was ordered, and its order stands.
func (s *State) take(c *changes, o *order) bool {
	wanted := map[string]int64{}
	var ids []string
	for _, l := range o.view.Items {
		if _, ok := wanted[l.Item]; !ok {
			ids = append(ids, l.Item)
		}
		wanted[l.Item] += int64(l.Quantity)
	}
	for _, id := range ids {
		it, ok := s.items[id]
		if ok && (!it.offered || it.counted && wanted[id] > int64(it.left)) {
			return false
		}
	}
	for _, id := range ids {
		if it, ok := s.items[id]; ok && it.counted {
			it.left -= int32(wanted[id])
			it.show(c)
			o.taken = append(o.taken, stock{id, int32(wanted[id])})
		}
	}
	return true
}

// giveBack returns what an order that was not begun took, to items that are
// still counted.
func (s *State) giveBack(c *changes, o *order) {
	for _, t := range o.taken {
		if it, ok := s.items[t.Item]; ok && it.counted {
			it.left = min(it.left+t.Quantity, maxRemaining)
			it.show(c)
		}
	}
	o.taken = nil
}
