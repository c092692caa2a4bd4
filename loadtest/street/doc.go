// Package street is a place with two networks: a machine whose interfaces wifi
// and cell both lead to one address, where a hub, or a relay before one, is
// found. It is made of two network namespaces, for which it takes Linux, root and
// the command ip.
package street
