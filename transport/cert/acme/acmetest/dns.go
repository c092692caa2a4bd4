package acmetest

import (
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// Zone is what the DNS server has authority over.
const Zone = "cafe.example."

// The key that updates have to be signed with.
const (
	KeyName   = "hub."
	keySecret = "c2VjcmV0IG9mIHRoZSBjYWZlJ3MgbmFtZXNlcnZlcg=="
)

// KeyFile is the key as tsig-keygen prints it.
const KeyFile = "key \"hub\" {\n\talgorithm hmac-sha256;\n\tsecret \"" + keySecret + "\";\n};\n"

// nameserver is authoritative for Zone and takes updates of its TXT records
// (RFC 2136) that are signed.
type nameserver struct {
	addr string
	mu   sync.Mutex
	txt  map[string][]string
	// updates counts those taken, refused those that were not.
	updates, refused int
	down             bool
}

func startDNS(t testing.TB) *nameserver {
	t.Helper()
	n := &nameserver{txt: map[string][]string{}}
	tcp, udp := listen(t)
	n.addr = tcp.Addr().String()
	var wg sync.WaitGroup
	var servers []*dns.Server
	for _, s := range []*dns.Server{{Listener: tcp}, {PacketConn: udp}} {
		started := make(chan struct{})
		s.Handler, s.NotifyStartedFunc = dns.HandlerFunc(n.answer), func() { close(started) }
		s.TsigSecret = map[string]string{KeyName: keySecret}
		// Updates are refused by default.
		s.MsgAcceptFunc = func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept }
		wg.Go(func() {
			if err := s.ActivateAndServe(); err != nil {
				t.Error(err)
			}
		})
		<-started
		servers = append(servers, s)
	}
	t.Cleanup(func() {
		for _, s := range servers {
			_ = s.Shutdown()
		}
		wg.Wait()
	})
	return n
}

// listen takes one number for both, which somebody else may have on UDP.
func listen(t testing.TB) (net.Listener, net.PacketConn) {
	t.Helper()
	var c net.ListenConfig
	for range 20 {
		tcp, err := c.Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		udp, err := c.ListenPacket(t.Context(), "udp", tcp.Addr().String())
		if err == nil {
			return tcp, udp
		}
		_ = tcp.Close()
	}
	t.Fatal("no port is free for TCP and UDP")
	return nil, nil
}

func (n *nameserver) answer(w dns.ResponseWriter, q *dns.Msg) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := new(dns.Msg).SetReply(q)
	a.Authoritative = true
	signed := q.IsTsig() != nil && w.TsigStatus() == nil
	switch {
	case n.down:
		a.Rcode = dns.RcodeServerFailure
	case q.Opcode == dns.OpcodeUpdate && signed:
		n.updates++
		n.update(q.Ns)
	case q.Opcode == dns.OpcodeUpdate:
		n.refused++
		a.Rcode = dns.RcodeNotAuth
	case len(q.Question) == 1:
		n.query(a, q.Question[0])
	}
	if signed {
		a.SetTsig(KeyName, dns.HmacSHA256, 300, int64(q.IsTsig().TimeSigned))
	}
	_ = w.WriteMsg(a) // a client that has gone
}

// update adds records, or removes them where their class is NONE.
func (n *nameserver) update(records []dns.RR) {
	for _, rr := range records {
		txt, ok := rr.(*dns.TXT)
		if !ok {
			continue
		}
		name, value := strings.ToLower(txt.Hdr.Name), strings.Join(txt.Txt, "")
		if txt.Hdr.Class == dns.ClassINET {
			n.txt[name] = append(n.txt[name], value)
			continue
		}
		var left []string
		for _, v := range n.txt[name] {
			if v != value {
				left = append(left, v)
			}
		}
		n.txt[name] = left
	}
}

func (n *nameserver) query(a *dns.Msg, q dns.Question) {
	name := strings.ToLower(q.Name)
	header := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: 1}
	switch {
	case !dns.IsSubDomain(Zone, name):
		a.Rcode = dns.RcodeRefused
	case q.Qtype == dns.TypeSOA && name == Zone:
		a.Answer = append(a.Answer, &dns.SOA{Hdr: header, Ns: "ns." + Zone, Mbox: "root." + Zone, Serial: 1, Refresh: 60, Retry: 60, Expire: 60, Minttl: 1})
	case q.Qtype == dns.TypeTXT:
		for _, v := range n.txt[name] {
			a.Answer = append(a.Answer, &dns.TXT{Hdr: header, Txt: []string{v}})
		}
	}
}
