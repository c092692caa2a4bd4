package streams

import (
	"crypto/tls"
	"errors"
	"log/slog"
)

// Config says where a node keeps its data and whose they are.
type Config struct {
	// Dir is the data directory, made if it does not exist, mode 0700. One
	// node at a time.
	Dir string
	// Site and Mode are written into Dir when it is first opened. It opens
	// for no other site or mode ever after.
	Site, Mode string
	// Logger gets what the node and the server in it have to say; nil
	// discards it.
	Logger *slog.Logger
	// Cluster is nil for a node that is alone.
	Cluster *Cluster
}

// Cluster makes a node one of several that keep the same streams.
type Cluster struct {
	// Node names this one among its peers. It is stored in the data and must
	// not change.
	Node string
	// Listen is the address, host and port, that peers reach this node at.
	Listen string
	// Peers are the Listen addresses of all nodes; this one may be in it.
	Peers []string
	// Password is the same for all nodes of a site. TLS says who may connect,
	// this says who is meant.
	Password string
	// TLS has this node's certificate and the authority that signed those of
	// all nodes, as RootCAs and ClientCAs. The node requires and verifies
	// certificates in both directions.
	TLS *tls.Config
	// Replicas is how many nodes keep a copy of each stream: 3, or 1.
	Replicas int
}

func (c Config) check() error {
	if c.Dir == "" || c.Site == "" || c.Mode == "" {
		return errors.New("streams: a node needs a directory, a site and a mode")
	}
	if k := c.Cluster; k != nil && (k.Node == "" || k.Listen == "" || k.Password == "" || k.TLS == nil) {
		return errors.New("streams: a node of a cluster needs a name, an address, a password and certificates")
	}
	return nil
}

func (c Config) replicas() int {
	if c.Cluster == nil {
		return 1
	}
	return max(1, c.Cluster.Replicas)
}
