package main

import (
	"fmt"
	"io"
	"net"
	"strings"

	"everything.local/auth"
)

// greet prints where the hub is and, when asked, tokens and lines to try it
// with. Tokens go to standard output for a person, never to the log.
func (a *app) greet(w io.Writer) error {
	base := a.url()
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s is open: %s (%s)\n\n", a.config.Site, base, a.config.Mode)
	for _, p := range []struct{ path, what string }{
		{"/order", "order and follow it"},
		{"/barista", "make coffee"},
		{"/display", "kitchen TV"},
		{"/board", "public board"},
	} {
		fmt.Fprintf(&b, "  %-36s %s\n", base+p.path, p.what)
	}
	for _, name := range a.config.ACME.Name {
		if !strings.HasPrefix(name, "*") {
			fmt.Fprintf(&b, "  %-36s %s\n", a.urlOf(name), "the same, once its certificate is there")
		}
	}
	fmt.Fprintf(&b, "\n  Browsers warn until they trust the hub's own authority: %s/ca.pem\n", base)
	if !a.config.PrintTokens {
		_, err := io.WriteString(w, b.String()+"\n")
		return err
	}
	fmt.Fprint(&b, "\nTokens (paste the barista's into /barista):\n\n")
	tokens := map[auth.Role]string{}
	for _, role := range []auth.Role{auth.Customer, auth.Barista, auth.Admin, auth.Display} {
		token, err := a.keys.Sign(auth.Claims{Role: role, Subject: "try-" + string(role)})
		if err != nil {
			return err
		}
		tokens[role] = token
		fmt.Fprintf(&b, "  %-9s%s\n", role, token)
	}
	ca := ""
	if a.config.Cert == "" {
		ca = " --cacert " + shellQuote(a.cert.CAFile())
	}
	fmt.Fprintf(&b, `
Watch the kitchen:

  curl -sN%s -H 'Authorization: Bearer %s' '%s/v1/feed?topics=kitchen'

Order, in another terminal:

  curl -s%s -H 'Authorization: Bearer %s' -H 'Content-Type: application/json' -d '{"name":"Ada","items":[{"item":"latte","size":"large","options":["oat-milk"],"quantity":1}],"note":"extra hot"}' %s/v1/orders

`, ca, tokens[auth.Barista], base, ca, tokens[auth.Customer], base)
	_, err := io.WriteString(w, b.String())
	return err
}

// url is where people on this machine reach the hub.
func (a *app) url() string {
	_, port, _ := net.SplitHostPort(a.server.Addr().String()) // a TCP address
	return a.config.selfURL(port)
}

// urlOf is where others reach the hub by a name.
func (a *app) urlOf(name string) string {
	_, port, _ := net.SplitHostPort(a.server.Addr().String())
	return "https://" + net.JoinHostPort(name, port)
}

// shellQuote makes s one word of a POSIX shell.
func shellQuote(s string) string {
	if !strings.ContainsAny(s, " '\"\\$`!*?[]{}()<>|&;~#\t\n") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
