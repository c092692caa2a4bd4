package cert

import (
	"bytes"
	"cmp"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
)

// names are what a leaf is for, sorted and each once. An IPv4 address has four
// bytes.
type names struct {
	dns []string
	ips []net.IP
}

// add adds a name, if a certificate can have it, or an address.
func (n *names) add(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		n.addIP(ip)
		return true
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !ValidName(host) {
		return false
	}
	if i, ok := slices.BinarySearch(n.dns, host); !ok {
		n.dns = slices.Insert(n.dns, i, host)
	}
	return true
}

func (n *names) addIP(ip net.IP) {
	if four := ip.To4(); four != nil {
		ip = four
	}
	if i, ok := slices.BinarySearchFunc(n.ips, ip, compareIP); !ok {
		n.ips = slices.Insert(n.ips, i, ip)
	}
}

func compareIP(a, b net.IP) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), bytes.Compare(a, b))
}

// covers reports whether a certificate for n will do where one for other is
// wanted.
func (n names) covers(other names) bool {
	for _, name := range other.dns {
		if _, ok := slices.BinarySearch(n.dns, name); !ok {
			return false
		}
	}
	for _, ip := range other.ips {
		if _, ok := slices.BinarySearchFunc(n.ips, ip, compareIP); !ok {
			return false
		}
	}
	return true
}

// union returns what is in n, in other or in both.
func (n names) union(other names) names {
	all := names{slices.Clone(n.dns), slices.Clone(n.ips)}
	for _, name := range other.dns {
		all.add(name)
	}
	for _, ip := range other.ips {
		all.addIP(ip)
	}
	return all
}

// ValidName reports whether clients would take the name, which is in lower case,
// in a certificate: LDH labels (RFC 5890, section 2.3.1), at most 253 bytes, and
// no wildcard.
func ValidName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}

// given returns the names that the configuration asks for.
func given(hosts []string) (names, error) {
	var n names
	for _, h := range hosts {
		if !n.add(h) {
			return names{}, fmt.Errorf("%w: %q is no host name or address; give it without scheme and port", ErrConfig, h)
		}
	}
	return n, nil
}

// found returns the names and addresses that this machine has now.
func found() (names, error) {
	var n names
	n.add("localhost")
	n.addIP(net.IPv4(127, 0, 0, 1))
	n.addIP(net.IPv6loopback)
	host, err := os.Hostname()
	if err != nil {
		return names{}, fmt.Errorf("cert: find the machine's name: %w", err)
	}
	n.add(host)
	first, _, _ := strings.Cut(host, ".")
	n.add(first + ".local")
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return names{}, fmt.Errorf("cert: find the machine's addresses: %w", err)
	}
	for _, a := range addrs {
		ipnet, ok := a.(*net.IPNet)
		// A link-local IPv6 address is written with a zone, which no certificate
		// and no URL of a browser has.
		if ok && (ipnet.IP.To4() != nil || !ipnet.IP.IsLinkLocalUnicast()) {
			n.addIP(ipnet.IP)
		}
	}
	return n, nil
}
