package ws

import (
	"fmt"
	"strings"
)

// texts is section 6. In its cases that fail, nothing is sent from the offending
// byte on that would make the text any worse, so that the close must come as
// soon as that byte has (6.4).
func texts() (cases []conformance) {
	const greeting, greek, ok = "Hello-µ@ßöäüàá-UTF-8!!", "κόσμε", "κόσμε\xf4\x8f\xbf\xbf"
	bad := "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"
	each := []frame{first("")}
	for i := range len(greek) {
		each = append(each, more(greek[i:i+1]))
	}
	each = append(each, last(""))
	failed := []string{"close 1007"}
	cases = []conformance{
		{"6.1.1", client(one(opText, "")), []string{"text "}},
		{"6.1.2", client(first(""), more(""), last("")), []string{"text "}},
		{"6.1.3", client(first(""), more("middle"), last("")), []string{"text middle"}},
		{"6.2.1", client(one(opText, greeting)), []string{"text " + greeting}},
		{"6.2.2", client(first("Hello-µ@ßöä"), last("üàá-UTF-8!!")), []string{"text " + greeting}},
		{"6.2.3", client(each...), []string{"text " + greek}},
		{"6.3.1", client(one(opText, bad)), failed},
		{"6.3.2", client(first(bad[:12]), more(bad[12:13]), last(bad[13:])), failed},
		{"6.4.1", client(first(greek), more("\xf4\x90")), failed},
		{"6.4.2", client(first(greek+"\xf4"), more("\x90")), failed},
		{"6.4.3", partOf(one(opText, greek+"\xf4\x90\x80\x80edited"), len(greek)+2), failed},
		{"6.4.4", partOf(one(opText, bad), 13), failed},
	}
	for i, text := range []string{
		ok, greek,
		"\x00", "\u0080", "\u0800", "\U00010000", "\x7f", "\u07ff", "\uffff", "\U0010ffff", // 6.7 to 6.9: first and last of each length
		"\ud7ff", "\ue000", "\ufffd", "\ufffe", "\ufdd0", "\U0001fffe", "\U0010fffe", // 6.11, 6.22, 6.23: around surrogates, and what is no character
	} {
		cases = append(cases, conformance{fmt.Sprintf("6.5 to 6.23, valid %d", i+1), client(one(opText, text)), []string{"text " + text}})
	}
	for i, text := range invalidTexts() {
		cases = append(
			cases,
			conformance{fmt.Sprintf("6.6 to 6.21, invalid %d", i+1), client(one(opText, text)), failed},
			conformance{fmt.Sprintf("6.6 to 6.21, invalid %d in fragments", i+1), client(first(text[:1]), last(text[1:])), failed},
		)
	}
	return cases
}

func invalidTexts() []string {
	texts := []string{
		"\xce", "\xce\xba\xe1", "\xce\xba\xe1\xbd", "κόσμ\xce", // 6.6: cut short
		"\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80", // 6.8: five and six bytes
		"\xf7\xbf\xbf\xbf", "\xfb\xbf\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf\xbf", // 6.10
		"\xf4\x90\x80\x80",                                     // 6.11: beyond Unicode
		"\x80", "\xbf", "\x80\xbf", "\x80\xbf\x80\xbf\x80\xbf", // 6.12: continuations alone
		"\xc0 \xc1 ", "\xe0 \xe1 ", "\xf0 \xf1 ", "\xfc \xfd ", // 6.13: leads alone
		"\xe0\x80", "\xf0\x80\x80", "\xdf", "\xef\xbf", "\xf7\xbf\xbf", // 6.14: the last byte is missing
		"\xe0\x80\xf0\x80\x80\xdf\xef\xbf", // 6.15: many of those
		"\xfe", "\xff", "\xfe\xfe\xff\xff", // 6.16
		"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", // 6.17: overlong
		"\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", // 6.18: the longest of those
		"\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", // 6.19: overlong NUL
	}
	// 6.20 and 6.21: surrogates, alone and in pairs.
	for _, s := range []string{"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf", "\xed\xb0\x80", "\xed\xbe\x80", "\xed\xbf\xbf"} {
		texts = append(texts, s, s+"\xed\xb0\x80")
	}
	return texts
}

// partOf is the frame with n bytes of its payload.
func partOf(f frame, n int) []byte {
	b := client(f)
	return b[:len(b)-len(f.payload)+n]
}

// closes is section 7.
func closes() (cases []conformance) {
	const normal = "\x03\xe8"
	long := strings.Repeat("*", maxControl-2)
	big := strings.Repeat("*", 256<<10)
	failed := []string{"close 1002"}
	cases = []conformance{
		{"7.1.1", client(one(opText, "Hello"), one(opClose, normal)), []string{"text Hello", "close 1000"}},
		{"7.1.2", client(one(opClose, normal), one(opClose, normal)), []string{"close 1000"}},
		{"7.1.3", client(one(opClose, normal), one(opPing, "")), []string{"close 1000"}},
		{"7.1.4", client(one(opClose, normal), one(opText, "late")), []string{"close 1000"}},
		{"7.1.5", client(first("fragment1"), one(opClose, normal), last("fragment2")), []string{"close 1000"}},
		{"7.1.6", client(one(opText, big), one(opText, "Hello"), one(opClose, normal), one(opPing, "")), []string{"text " + big, "text Hello", "close 1000"}},
		{"7.3.1", client(one(opClose, "")), []string{"close 1005"}},
		{"7.3.2", client(one(opClose, "a")), failed},
		{"7.3.3", client(one(opClose, normal)), []string{"close 1000"}},
		{"7.3.4", client(one(opClose, normal+"Hello, world!")), []string{"close 1000"}},
		{"7.3.5", client(one(opClose, normal+long)), []string{"close 1000"}},
		{"7.3.6", client(one(opClose, normal+long+"*")), failed},
		{"7.5.1", client(one(opClose, normal+"\xce\xba\xe1\xbd\xb9\xed\xa0\x80")), []string{"close 1007"}},
	}
	for _, code := range []closeCode{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		want := []string{fmt.Sprint("close ", code)}
		cases = append(
			cases,
			conformance{fmt.Sprint("7.7, code ", code), client(closeWith(code, "")), want},
			conformance{fmt.Sprint("7.7, code and reason ", code), client(closeWith(code, "why")), want},
		)
	}
	for _, code := range []closeCode{0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		cases = append(
			cases,
			conformance{fmt.Sprint("7.9 and 7.13, code ", code), client(closeWith(code, "")), failed},
			conformance{fmt.Sprint("7.9 and 7.13, code and reason ", code), client(closeWith(code, "why")), failed},
		)
	}
	return cases
}

// closeWith is a close frame with a code.
func closeWith(code closeCode, reason string) frame {
	return one(opClose, string([]byte{byte(code >> 8), byte(code)})+reason)
}
