package cert

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// lineFile holds the leaves of a line, each after its key.
const lineFile = "udp.pem"

const (
	// shortLife is how long a leaf of the line is good from its making on.
	// Browsers take a hash for a leaf of at most 14 days in all
	// (serverCertificateHashes of WebTransport); a day is left to them and skew
	// to clocks.
	shortLife = 13*24*time.Hour - skew
	// notice is how long a leaf is announced before it is presented, and so how
	// long hashes that a page has read are good at least. A leaf is presented for
	// as long again; what remains of its life is for a hub that was switched off.
	notice = 4 * 24 * time.Hour
	// maxLine bounds the line: the current leaf, the next one, and two more for
	// names that came up since they were made.
	maxLine = 4
	// maxNames bounds what a leaf takes over from one that it replaces: addresses
	// that neighbours can make a machine take shall not blow up its handshake.
	maxNames = 64
)

// line is the short-lived leaves that UDP presents, the oldest first. Each one
// is announced, by its hash, for notice before it becomes the first. Pages hold
// on to the hashes, and clients that trust the authority to names: a leaf with
// a new name is therefore a further one, shown only to who came by that name.
type line struct {
	dir       string
	authority *authority
	log       *slog.Logger
	leaves    []*tls.Certificate
}

// open reads the leaves that are kept. What is none of the authority's is
// dropped; a damaged file costs pages a reload.
func (l *line) open() error {
	leaves, err := readPairs(filepath.Join(l.dir, lineFile))
	switch {
	case errors.Is(err, ErrBadFile):
		l.log.Warn("the leaves for UDP cannot be read and are made anew", "error", err)
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return err
	}
	for _, leaf := range leaves {
		if leaf.Leaf.CheckSignatureFrom(l.authority.cert) == nil {
			l.leaves = append(l.leaves, leaf)
		}
	}
	return nil
}

// turn returns the line as it should be at now for a machine with names n.
func (l *line) turn(n names, now time.Time) ([]*tls.Certificate, error) {
	// A clock that is plainly wrong says nothing about leaves, and nothing good
	// can be made by it.
	if now.Before(firstHub) && len(l.leaves) > 0 {
		return l.leaves, nil
	}
	leaves := slices.DeleteFunc(slices.Clone(l.leaves), func(leaf *tls.Certificate) bool {
		return now.Before(leaf.Leaf.NotBefore) || !now.Before(leaf.Leaf.NotAfter)
	})
	for len(leaves) > 1 && !now.Before(leaves[1].Leaf.NotBefore.Add(skew+notice)) {
		leaves = leaves[1:]
	}
	for len(leaves) < 2 {
		leaf, err := l.authority.issue(n, now, shortLife)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, leaf)
	}
	last := leaves[len(leaves)-1].Leaf
	if had := (names{last.DNSNames, last.IPAddresses}); !had.covers(n) {
		if len(leaves) == maxLine {
			// It was for names that came up too, and stays good for them.
			leaves = leaves[:maxLine-1]
			if all := n.union(had); len(all.dns)+len(all.ips) <= maxNames {
				n = all
			}
		}
		leaf, err := l.authority.issue(n, now, shortLife)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, leaf)
	}
	if slices.Equal(leaves, l.leaves) {
		return l.leaves, nil
	}
	if err := writePairs(filepath.Join(l.dir, lineFile), leaves...); err != nil {
		return nil, fmt.Errorf("cert: keep the leaves for UDP: %w", err)
	}
	l.leaves = leaves
	return leaves, nil
}

// choose returns the first leaf for the name or, since clients send no address
// as a name (RFC 6066, section 3), the address that a client has come to. One
// that came by neither, as through a port that is forwarded, gets the current.
func choose(leaves []*tls.Certificate, hello *tls.ClientHelloInfo) *tls.Certificate {
	host := hello.ServerName
	if host == "" && hello.Conn != nil {
		if addr, ok := hello.Conn.LocalAddr().(*net.UDPAddr); ok {
			host = addr.IP.String()
		}
	}
	for _, leaf := range leaves {
		if leaf.Leaf.VerifyHostname(host) == nil {
			return leaf
		}
	}
	return leaves[0]
}
