// Package proto is the schema of the hub's commands and queries and what is
// generated from it: messages, Connect handlers and clients, and the OpenAPI
// document. It depends on nothing of the hub.
package proto

import _ "embed"

//go:generate ./generate.sh

// OpenAPI is the OpenAPI 3.0 document, in YAML, of everything that the hub
// serves over HTTP.
//
//go:embed openapi.yaml
var OpenAPI []byte
