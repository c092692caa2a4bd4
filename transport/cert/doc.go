// Package cert gives the hub the certificate it serves with, and keeps it good
// while the hub runs: either files that somebody else renews (ACME, a company's
// authority), or a leaf of the hub's own.
//
// The hub's own authority is made at first start and lives in Config.Dir. It
// can certify nothing but this network: see authority. Copied to the other
// hubs of a site it has to be trusted once per device. What HTTP/3 presents is
// then made for browsers, which let a page name the leaf it expects: see line.
//
// It also keeps the secrets that connections are resumed by.
package cert
