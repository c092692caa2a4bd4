package streams

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"everything.local/event"
	"everything.local/event/logtest"
)

// authority signs the certificates of one site's nodes.
type authority struct {
	cert *x509.Certificate
	key  ed25519.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "site"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return authority{cert, key, pool}
}

// node returns the TLS side of one node's configuration.
func (a authority) node(t testing.TB, name string) *tls.Config {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, public, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		RootCAs:      a.pool, ClientCAs: a.pool,
	}
}

// clusterConfigs are three nodes on the loopback interface.
func clusterConfigs(t testing.TB) []Config {
	t.Helper()
	ca := newAuthority(t)
	var peers []string
	for range 3 {
		// The port is free when it is chosen; the server has no way to be
		// given a listener.
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		peers = append(peers, l.Addr().String())
	}
	var configs []Config
	for i, address := range peers {
		c := testConfig(t.TempDir())
		name := fmt.Sprintf("hub-%d", i+1)
		c.Cluster = &Cluster{
			Node: name, Listen: address, Peers: peers, Replicas: 3,
			Password: "one for the site", TLS: ca.node(t, name),
		}
		configs = append(configs, c)
	}
	return configs
}

// openCluster opens all nodes at once: each waits for a quorum.
func openCluster(t testing.TB, configs []Config) []*Node {
	t.Helper()
	nodes := make([]*Node, len(configs))
	errs := make([]error, len(configs))
	var wg sync.WaitGroup
	for i, c := range configs {
		wg.Go(func() { nodes[i], errs[i] = Open(t.Context(), c) })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			t.Fatalf("node %d: %v", i+1, err)
		}
		t.Cleanup(func() { closeNode(t, nodes[i]) })
	}
	return nodes
}

func TestContractThreeReplicas(t *testing.T) {
	nodes := openCluster(t, clusterConfigs(t))
	logtest.Run(t, func(*testing.T) logtest.Harness {
		h := logtest.Harness{LoseNextAnswer: func(view int) { loseNextAnswer(nodes[view].Log()) }}
		for _, n := range nodes {
			h.Logs = append(h.Logs, event.Log(n.Log()))
		}
		return h
	})
}
