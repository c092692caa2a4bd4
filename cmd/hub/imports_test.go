package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "everything.local"

// rooms says which of our packages each room may import, and why. What is not
// listed may import nothing of ours. A room's sub-packages may import the room.
var rooms = map[string]struct {
	may []string
	why string
}{
	"event":          {nil, "the vocabulary stands alone"},
	"event/memlog":   {[]string{"event"}, "a log"},
	"event/logtest":  {[]string{"event"}, "the contract of logs, as a suite"},
	"cafe":           {[]string{"event"}, "the coffee shop is pure"},
	"streams":        {[]string{"event"}, "the log does not know what it keeps"},
	"hub":            {[]string{"event"}, "fan-out does not know what it shows"},
	"proto":          {nil, "the schema is a leaf"},
	"auth":           {[]string{"event"}, "who is calling does not depend on what for"},
	"api":            {[]string{"auth", "cafe", "event", "proto", "store"}, "commands and queries; it follows the log through an interface"},
	"transport":      {[]string{"auth", "hub", "event"}, "the session loop is shared by the wires"},
	"transport/cert": {nil, "certificates know nothing of feeds"},
	"transport/poll": {nil, "connections know nothing of feeds"},
	"client":         {[]string{"event", "proto"}, "a black box outside the hub, on its public API"},
	"web":            {nil, "pages are assets; cmd/hub fills them"},
	"loadtest":       {[]string{"client", "event", "proto"}, "a black box outside the hub, over the wire"},
	"cmd/hub/demo":   {nil, "a black box outside the hub, on its public API"},
	"cmd/hub":        {[]string{"*"}, "the program wires everything"},
}

// wires may import transport and what transport may, but never each other.
var wires = []string{"transport/sse", "transport/ndjson", "transport/ws", "transport/wt"}

// foreign says which of our packages alone may import a module of others.
var foreign = map[string][]string{
	"github.com/nats-io/":          {"streams"},
	"connectrpc.com/connect":       {"api", "proto"},
	"github.com/golang-jwt/jwt/v5": {"auth"},
	"github.com/prometheus/":       {"cmd/hub"},
	"github.com/alecthomas/kong":   {"cmd/hub", "loadtest"},
	"google.golang.org/protobuf":   {"api", "proto", "client"},
	"github.com/caddyserver/":      {"transport/cert/acme"},
	"github.com/libdns/":           {"transport/cert/acme"},
	"github.com/letsencrypt/":      {"transport/cert/acme/acmetest"},
	"github.com/miekg/dns":         {"transport/cert/acme/acmetest"},
	"go.uber.org/zap":              {"transport/cert/acme"},
	"github.com/quic-go/":          {"transport", "transport/wt", "client", "loadtest"},
	"net/http":                     {"streams", "api", "auth", "transport", "web", "cmd/hub", "proto", "client", "loadtest"},
	"github.com/coder/websocket":   {"client"},
	"golang.org/x/time/rate":       {"auth", "api", "transport"},
}

type listed struct {
	ImportPath, Dir string
	Imports         []string
}

// TestImportLines holds the import lines of the design.
func TestImportLines(t *testing.T) {
	for _, p := range goList(t) {
		room := strings.TrimPrefix(p.ImportPath, module+"/")
		for _, imported := range p.Imports {
			if ours, ok := strings.CutPrefix(imported, module+"/"); ok {
				if !mayImport(room, ours) {
					t.Errorf("%s imports %s: it may not (%s)", room, ours, rooms[parent(room)].why)
				}
				continue
			}
			for prefix, owners := range foreign {
				if strings.HasPrefix(imported, prefix) && !slices.ContainsFunc(owners, func(o string) bool { return within(room, o) }) {
					t.Errorf("%s imports %s: only %v may", room, imported, owners)
				}
			}
		}
	}
}

// TestEveryRoomIsListed keeps the table honest: a new package needs a line.
func TestEveryRoomIsListed(t *testing.T) {
	for _, p := range goList(t) {
		room := strings.TrimPrefix(p.ImportPath, module+"/")
		if _, ok := rooms[parent(room)]; !ok {
			t.Errorf("%s is not in the table of rooms", room)
		}
	}
}

func mayImport(room, ours string) bool {
	if slices.Contains(wires, room) && slices.Contains(wires, ours) {
		return false
	}
	may := rooms[parent(room)].may
	return within(ours, parent(room)) || within(room, ours) && room != ours ||
		slices.Contains(may, "*") || slices.ContainsFunc(may, func(m string) bool { return within(ours, m) })
}

// parent is the room that a package belongs to: its own line, or its folder's.
func parent(room string) string {
	for r := room; ; {
		if _, ok := rooms[r]; ok {
			return r
		}
		i := strings.LastIndexByte(r, '/')
		if i < 0 {
			return room
		}
		r = r[:i]
	}
}

func within(room, of string) bool { return room == of || strings.HasPrefix(room, of+"/") }

func goList(t *testing.T) []listed {
	t.Helper()
	c := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,Imports", module+"/...")
	out, err := c.Output()
	if err != nil {
		t.Fatal("go list:", err)
	}
	var ps []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
	if len(ps) < 5 {
		t.Fatalf("go list found %d packages", len(ps))
	}
	return ps
}
