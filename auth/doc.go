// Package auth says who is calling, and what they may see and do.
//
// A caller is an Identity, proved by a token that a hub of the site signed:
// sent as Authorization: Bearer by programs, as an HttpOnly cookie by the hub's
// own pages, and as a short-lived ticket in the first line of a feed that can
// carry neither. Tokens are never taken from, nor put into, an address or a
// log. What a role may see and do are the two tables of policy.go.
//
// Hubs of one site hold the same keys (see Keys), so a token is good on every
// one of them and none has to ask another. The price is that a token cannot be
// taken back before it expires, other than by removing the key that signed it;
// lifetimes are chosen accordingly, see Role.Lifetime.
package auth
