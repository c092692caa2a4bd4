package api

import (
	"encoding/json"
	"net/http"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/structpb"

	"everything.local/auth"
	"everything.local/cafe"
	"everything.local/event"
	pb "everything.local/proto"
)

const tea = `{"name":"Tea","category":"Tea","position":7,"price":{"amount":250,"currency":"EUR"},
	"sizes":[{"id":"cup","name":"Cup"},{"id":"pot","name":"Pot","extra":100,"available":false}],
	"options":[{"id":"milk","name":"Milk","most":1,"choices":[{"id":"dairy","name":"Milk","allergens":["milk"]}]}],
	"allergens":[]}`

// An item is on the menu as it was put there; what is left out of it is
// available, and what is not stated stays so. Put there again, what can be had
// of it today stays.
func TestPutItem(t *testing.T) {
	s := newSite(t)
	root, bob := s.as(auth.Admin, "root"), s.as(auth.Barista, "bob")
	if r := s.do("PUT", "/v1/menu/tea", tea, root); r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	want := cafe.Item{
		ID: "tea", Name: "Tea", Category: "Tea", Position: 7, Price: cafe.Money{Amount: 250, Currency: "EUR"},
		Sizes: []cafe.Choice{
			{ID: "cup", Name: "Cup", Available: true},
			{ID: "pot", Name: "Pot", Extra: 100},
		},
		Options: []cafe.OptionGroup{{
			ID: "milk", Name: "Milk", Most: 1,
			Choices: []cafe.Choice{{ID: "dairy", Name: "Milk", Allergens: []string{"milk"}, Available: true}},
		}},
		Allergens: &[]string{}, Available: true,
	}
	if diff := cmp.Diff(&want, s.item(t, "tea")); diff != "" {
		t.Error(diff)
	}
	two := int32(2)
	s.do("POST", "/v1/menu/tea/availability", `{"available":true,"remaining":2}`, bob)
	want.Remaining = &two
	if diff := cmp.Diff(&want, s.item(t, "tea")); diff != "" {
		t.Error(diff)
	}
	s.do("PUT", "/v1/menu/tea", `{"id":"tea","name":"Tea","category":"Tea","price":{"amount":250,"currency":"EUR"},"available":false}`, root)
	if it := s.item(t, "tea"); !it.Available || it.Allergens != nil || it.Sizes != nil || *it.Remaining != 2 {
		t.Errorf("replaced: %+v", it)
	}
	if r := s.do("DELETE", "/v1/menu/tea", "", root); r.status != http.StatusOK || s.item(t, "tea") != nil {
		t.Errorf("retired: %d %s", r.status, r.body)
	}
}

// item is an item as the menu has it, nil if it does not.
func (s *site) item(t *testing.T, id string) *cafe.Item {
	t.Helper()
	var menu menuAnswer
	if err := json.Unmarshal(s.do("GET", "/v1/menu", "").body, &menu); err != nil {
		t.Fatal(err)
	}
	for _, it := range menu.Items {
		if it.ID == id {
			return &it
		}
	}
	return nil
}

func TestPutItemRefusals(t *testing.T) {
	s := newSite(t)
	root := s.as(auth.Admin, "root")
	for _, c := range []refusal{
		{"another id", "PUT", "/v1/menu/tea", `{"id":"coffee"}`, []header{root}, event.Invalid, 400, "id"},
		{"allergens no texts", "PUT", "/v1/menu/tea", `{"allergens":[1]}`, []header{root}, event.Invalid, 400, "allergens[0]"},
		{"allergens no list", "PUT", "/v1/menu/tea", `{"allergens":"milk"}`, []header{root}, event.Invalid, 400, "allergens"},
		{"unknown field", "PUT", "/v1/menu/tea", `{"sizes":[{"id":"cup","price":1}]}`, []header{root}, event.UnknownField, 400, "sizes[0].price"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.check(t, s.do(c.method, c.path, c.body, c.headers...))
		})
	}
	url, clients := s.serve()
	list, err := structpb.NewList([]any{"milk", 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, _ := with(t.Context(), root)
	_, err = pb.NewHubClient(clients["HTTP/2.0"], url).PutItem(ctx, &pb.PutItemRequest{Id: "tea", Item: &pb.Item{Allergens: list}})
	wantRPC(t, err, connect.CodeInvalidArgument, event.Invalid, "allergens")
}

// Announcements are there from when they begin until they are withdrawn.
func TestAnnouncements(t *testing.T) {
	s := newSite(t)
	bob := s.as(auth.Barista, "bob")
	posted := s.do("POST", "/v1/announcements", `{"text":"Fresh cake"}`, bob, key("a"))
	var body announcementAnswer
	if err := json.Unmarshal(posted.body, &body); err != nil || posted.status != http.StatusCreated || body.Announcement == nil {
		t.Fatalf("%d %s: %v", posted.status, posted.body, err)
	}
	var list announcementsAnswer
	if err := json.Unmarshal(s.do("GET", "/v1/announcements", "").body, &list); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]cafe.Announcement{*body.Announcement}, list.Announcements); diff != "" {
		t.Error(diff)
	}
	if r := s.do("DELETE", "/v1/announcements/"+body.ID, "", bob, key("b")); r.status != http.StatusOK {
		t.Errorf("withdrawn: %d %s", r.status, r.body)
	}
	if r := s.do("DELETE", "/v1/announcements/"+body.ID, "", bob, key("b")); r.status != http.StatusOK {
		t.Errorf("withdrawn again under the same key: %d %s", r.status, r.body)
	}
	if r := s.do("DELETE", "/v1/announcements/"+body.ID, "", bob); r.code() != event.NotFound {
		t.Errorf("withdrawn again: %d %s", r.status, r.body)
	}
	again := s.do("POST", "/v1/announcements", `{"text":"Fresh cake"}`, bob, key("a"))
	body.Announcement = nil
	if err := json.Unmarshal(again.body, &body); err != nil || again.status != http.StatusCreated || body.Announcement != nil {
		t.Errorf("posted again under the same key: %d %s: %v", again.status, again.body, err)
	}
}

// A code that no screen shows was mistyped: nothing is paired.
func TestPairScreenThatNobodySees(t *testing.T) {
	s := newSite(t)
	s.api.cfg.Shown = func(code string) bool { return code == "482913" }
	before := s.follower.Cursor()
	r := s.do("POST", "/v1/screens", `{"code":"482914"}`, s.as(auth.Barista, "bob"))
	if r.status != http.StatusNotFound {
		t.Errorf("mistyped: %d %s", r.status, r.body)
	}
	if head, err := s.log.Head(t.Context()); err != nil || head != before.Seq {
		t.Errorf("the log is at %d, was at %d, %v", head, before.Seq, err)
	}
	if r := s.do("POST", "/v1/screens", `{"code":"482913"}`, s.as(auth.Barista, "bob")); r.status != http.StatusCreated {
		t.Errorf("as shown: %d %s", r.status, r.body)
	}
}

// What is paired is the screen whose code was typed.
func TestPairScreen(t *testing.T) {
	s := newSite(t)
	r := s.do("POST", "/v1/screens", `{"code":"482913","name":"Kitchen"}`, s.as(auth.Barista, "bob"))
	var body screenAnswer
	if err := json.Unmarshal(r.body, &body); err != nil || r.status != http.StatusCreated || !event.ValidID(body.Screen) {
		t.Fatalf("%d %s: %v", r.status, r.body, err)
	}
}
