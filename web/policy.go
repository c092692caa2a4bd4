package web

import "strings"

// policy is the Content-Security-Policy of every page: nothing inline, nothing
// from elsewhere, and connections to the site's hubs only.
func policy(peers []string) string {
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		"img-src 'self' data:", // the favicon that carries an order's progress
		"connect-src " + strings.Join(append([]string{"'self'"}, peers...), " "),
		"base-uri 'none'",
		"form-action 'self'",
		"frame-ancestors 'none'",
	}, "; ")
}

// ContentSecurityPolicy is the policy that the pages of a site with one hub
// are served with.
func ContentSecurityPolicy() string { return policy(nil) }
