package proto

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
)

var update = flag.Bool("update", false, "add what is new to the golden file")

// Whatever was in the schema once stays as it was, as clients that are updated
// years later rely on it: the golden file is only added to.
func TestSchemaOnlyGrows(t *testing.T) {
	const golden = "testdata/schema.golden"
	b, err := os.ReadFile(golden)
	if err != nil && !*update {
		t.Fatal(err)
	}
	was, is := strings.Fields(string(b)), lines()
	for _, line := range was {
		if !slices.Contains(is, line) {
			t.Errorf("%s is gone from the schema, or another now", line)
		}
	}
	for _, line := range is {
		if slices.Contains(was, line) {
			continue
		}
		if !*update {
			t.Errorf("%s is new: run go test ./proto -update", line)
		}
		was = append(was, line)
	}
	if *update && !t.Failed() {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(strings.Join(was, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// lines are the methods and fields of the schema, one a line without spaces.
func lines() (all []string) {
	methods := File_hub_proto.Services().ByName("Hub").Methods()
	for i := range methods.Len() {
		m := methods.Get(i)
		all = append(all, fmt.Sprintf("%s(%s)%s", m.FullName(), m.Input().Name(), m.Output().Name()))
	}
	messages := File_hub_proto.Messages()
	for i := range messages.Len() {
		fields := messages.Get(i).Fields()
		for j := range fields.Len() {
			all = append(all, line(fields.Get(j)))
		}
	}
	return all
}

func line(f protoreflect.FieldDescriptor) string {
	kind := f.Kind().String()
	if f.Message() != nil {
		kind = string(f.Message().Name())
	}
	return fmt.Sprintf("%s=%d:%s:%s", f.FullName(), f.Number(), f.Cardinality(), kind)
}
