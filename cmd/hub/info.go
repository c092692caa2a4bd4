package main

import (
	"encoding/base64"

	"everything.local/api"
	"everything.local/event"
)

// wirePolicy is which wires browsers should try, best first. Safari stops
// receiving on WebTransport after some thousands of streams or some 16 MiB
// (WebKit bug 319818), on which a page cannot tell it from a hub without news.
var wirePolicy = []api.WirePolicy{
	{Browser: "webkit", Wires: []string{"ws", "sse", "ndjson"}},
	{Browser: "other", Wires: []string{"wt", "ws", "sse", "ndjson"}},
}

// info is this hub's part of GET /v1/hub.
func (a *app) info() api.Info {
	_, leader := a.node.Leader()
	var names []string
	for _, u := range a.upgrades() {
		names = append(names, u.Name())
	}
	for _, w := range a.wires {
		names = append(names, w.Name())
	}
	return api.Info{
		Wires:    names,
		Writable: leader && a.node.Err() == nil && a.hub.Halted() == nil && !a.health.draining.Load(),
		Version:  version,
		Policy:   wirePolicy, CertificateHashes: a.certificateHashes(),
	}
}

// certificateHashes are what WebTransport in a browser is told to expect.
func (a *app) certificateHashes() []api.CertificateHash {
	var hashes []api.CertificateHash
	for _, h := range a.cert.Hashes() {
		hashes = append(hashes, api.CertificateHash{
			Algorithm: "sha-256",
			Value:     base64.StdEncoding.EncodeToString(h.SHA256[:]),
			Until:     event.FormatTime(h.Until),
		})
	}
	return hashes
}
