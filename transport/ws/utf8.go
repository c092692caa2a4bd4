package ws

// utf8Checker checks text that comes in pieces, and fails with the first byte
// that no text could have at its place (RFC 3629, section 4), not only when a
// character or message is complete. The zero value is at the start of a text.
type utf8Checker struct {
	// missing is how many bytes the current character still needs, and low and
	// high are the bounds of the next one.
	missing   uint8
	low, high byte
}

// add takes the next bytes of the text.
func (u *utf8Checker) add(b []byte) bool {
	for _, c := range b {
		if u.missing == 0 && c < 0x80 {
			continue
		}
		if u.missing == 0 {
			if !u.lead(c) {
				return false
			}
			continue
		}
		if c < u.low || c > u.high {
			return false
		}
		u.missing--
		u.low, u.high = 0x80, 0xBF
	}
	return true
}

// lead takes the first byte of a character of several. The second one's bounds
// leave out overlong forms, surrogates and what lies beyond U+10FFFF.
func (u *utf8Checker) lead(c byte) bool {
	u.low, u.high = 0x80, 0xBF
	switch {
	case c >= 0xC2 && c <= 0xDF:
		u.missing = 1
	case c >= 0xE0 && c <= 0xEF:
		u.missing = 2
	case c >= 0xF0 && c <= 0xF4:
		u.missing = 3
	default:
		return false
	}
	switch c {
	case 0xE0:
		u.low = 0xA0
	case 0xED:
		u.high = 0x9F
	case 0xF0:
		u.low = 0x90
	case 0xF4:
		u.high = 0x8F
	}
	return true
}

// whole reports whether the text may end here.
func (u *utf8Checker) whole() bool { return u.missing == 0 }
