package api

import (
	"log/slog"
	"net/http"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"everything.local/cafe"
	"everything.local/event"
	pb "everything.local/proto"
)

// Config is what an API needs. All but Info, Policy, Logger and BodyWithin
// are required.
type Config struct {
	// Log is where commands are appended.
	Log event.Log
	// Follower guards State and says how far it is.
	Follower Follower
	// State is read inside Follower.Read only.
	State *cafe.State
	// Auth says who is calling.
	Auth Identifier
	// Info describes this hub for GET /v1/hub beyond what State knows. It may
	// be called by many goroutines; nil answers with the State's part alone.
	Info func() Info
	// Shown reports whether a screen shows this code, so that a mistyped one is
	// refused; nil lets any be approved. It may be called by many goroutines.
	Shown func(code string) bool
	// Policy is the house's rules.
	Policy cafe.Policy
	// Logger gets what went wrong inside; nil for slog.Default.
	Logger *slog.Logger
	// BodyWithin is how long a request's body may take to arrive, default
	// 10 s: 64 KiB in that time is less than the slowest mobile network does.
	BodyWithin time.Duration
}

// Info is what a hub says of itself.
type Info struct {
	// Peers are the addresses of the site's other hubs.
	Peers []string
	// Wires are the names of the wires that feeds are served on.
	Wires []string
	// Writable says whether commands are taken now.
	Writable bool
	// Version is the program's.
	Version string
	// Policy says which wires browsers should try; the first entry that matches
	// a browser holds.
	Policy []WirePolicy
	// CertificateHashes are for WebTransport in browsers; none with a public
	// certificate.
	CertificateHashes []CertificateHash
}

// WirePolicy is which wires the browsers of a family should try, best first.
type WirePolicy struct {
	// Browser is webkit, firefox, chromium, or other for all.
	Browser string   `json:"browser"`
	Wires   []string `json:"wires"`
}

// CertificateHash is one certificate, as browsers' WebTransport takes it.
type CertificateHash struct {
	// Algorithm is sha-256.
	Algorithm string `json:"algorithm"`
	// Value is of the certificate in DER, in base64.
	Value string `json:"value"`
	// Until is when the certificate expires, in event.TimeLayout.
	Until string `json:"until"`
}

// API serves commands and queries. Its methods may be called by any number of
// goroutines.
type API struct {
	cfg    Config
	core   map[protoreflect.Name]method
	routes map[protoreflect.Name]*route
}

// New returns an API. It starts nothing.
func New(cfg Config) *API {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.BodyWithin == 0 {
		cfg.BodyWithin = 10 * time.Second
	}
	a := &API{cfg: cfg, routes: routesOf(service())}
	a.core = a.methods()
	return a
}

// service is the schema of what is served.
func service() protoreflect.ServiceDescriptor { return pb.File_hub_proto.Services().ByName("Hub") }

// methods is the core: what answers each method of the schema.
func (a *API) methods() map[protoreflect.Name]method {
	return map[protoreflect.Name]method{
		"GetHub":               handle[pb.GetHubRequest, pb.HubAnswer](a, a.getHub),
		"GetMenu":              handle[pb.GetMenuRequest, pb.MenuAnswer](a, a.getMenu),
		"PutItem":              handle[pb.PutItemRequest, pb.ItemAnswer](a, a.putItem),
		"RetireItem":           handle[pb.RetireItemRequest, pb.DoneAnswer](a, a.retireItem),
		"SetAvailability":      handle[pb.SetAvailabilityRequest, pb.ItemAnswer](a, a.setAvailability),
		"PlaceOrder":           handle[pb.PlaceOrderRequest, pb.OrderAnswer](a, a.placeOrder),
		"ListOrders":           handle[pb.ListOrdersRequest, pb.OrdersAnswer](a, a.listOrders),
		"GetOrder":             handle[pb.GetOrderRequest, pb.OrderAnswer](a, a.getOrder),
		"AcceptOrder":          handle[pb.AcceptOrderRequest, pb.OrderAnswer](a, step[*pb.AcceptOrderRequest](a, cafe.Accept)),
		"DeclineOrder":         handle[pb.DeclineOrderRequest, pb.OrderAnswer](a, step[*pb.DeclineOrderRequest](a, cafe.Decline)),
		"StartOrder":           handle[pb.StartOrderRequest, pb.OrderAnswer](a, step[*pb.StartOrderRequest](a, cafe.Start)),
		"ReadyOrder":           handle[pb.ReadyOrderRequest, pb.OrderAnswer](a, step[*pb.ReadyOrderRequest](a, cafe.Ready)),
		"PickupOrder":          handle[pb.PickupOrderRequest, pb.OrderAnswer](a, step[*pb.PickupOrderRequest](a, cafe.Pickup)),
		"CancelOrder":          handle[pb.CancelOrderRequest, pb.OrderAnswer](a, step[*pb.CancelOrderRequest](a, cafe.Cancel)),
		"ListAnnouncements":    handle[pb.ListAnnouncementsRequest, pb.AnnouncementsAnswer](a, a.listAnnouncements),
		"PostAnnouncement":     handle[pb.PostAnnouncementRequest, pb.AnnouncementAnswer](a, a.postAnnouncement),
		"WithdrawAnnouncement": handle[pb.WithdrawAnnouncementRequest, pb.DoneAnswer](a, a.withdrawAnnouncement),
		"PairScreen":           handle[pb.PairScreenRequest, pb.ScreenAnswer](a, a.pairScreen),
		"ForgetCustomer":       handle[pb.ForgetCustomerRequest, pb.DoneAnswer](a, a.forgetCustomer),
	}
}

// Register adds the REST paths, the Connect and gRPC methods, /openapi.yaml
// and what answers for unknown paths below /v1/ to mux. Other rooms may add
// their own paths below /v1/; theirs are more specific.
func (a *API) Register(mux *http.ServeMux) {
	for _, r := range a.routes {
		mux.Handle(r.method+" "+r.pattern, a.rest(r))
	}
	mux.Handle("/v1/", a.noSuchPath(mux))
	mux.HandleFunc("GET /openapi.yaml", openAPI)
	a.rpc(mux)
}

func openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(pb.OpenAPI) // the client may have gone
}
