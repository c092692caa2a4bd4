package web

import (
	"net/http"
	"regexp"
	"strings"
)

// policy is the Content-Security-Policy of every page: nothing inline, nothing
// from elsewhere, and connections to the site's hubs only. own is this hub as a
// WebSocket names it, or empty.
func policy(own string, peers []string) string {
	connect := []string{"'self'"}
	if own != "" {
		connect = append(connect, own)
	}
	for _, p := range peers {
		connect = append(connect, p)
		if host, ok := strings.CutPrefix(p, "https://"); ok {
			connect = append(connect, "wss://"+host)
		}
	}
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		"img-src 'self' data:", // the favicon that carries an order's progress
		"connect-src " + strings.Join(connect, " "),
		"base-uri 'none'",
		"form-action 'self'",
		"frame-ancestors 'none'",
	}, "; ")
}

// plainHost is a host as a policy may name it. What a client calls the hub goes
// into a header, so nothing else does; a policy has no words for IPv6 (CSP
// level 3, section 2.3.1), which leaves those to 'self'.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]{1,5})?$`)

// ownSockets is the address of this hub for WebSockets, as r calls it. 'self'
// covers it too, but not on sets with Chromium before 71.
func ownSockets(r *http.Request) string {
	if !plainHost.MatchString(r.Host) {
		return ""
	}
	if r.TLS == nil {
		return "ws://" + r.Host
	}
	return "wss://" + r.Host
}

// ContentSecurityPolicy is the policy that the pages of a site with one hub
// are served with, but for the hub's own name.
func ContentSecurityPolicy() string { return policy("", nil) }
