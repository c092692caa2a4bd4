package main

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"everything.local/transport"
)

// meters are the metrics that are counted where they happen; the rest is read
// from the parts when somebody scrapes.
type meters struct {
	registry *prometheus.Registry
	appends  *prometheus.HistogramVec
}

func newMeters() *meters {
	m := &meters{
		registry: prometheus.NewRegistry(),
		appends: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hub_append_seconds",
			Help: "Time until an append to the log was durable.",
			// From a fast disk's fsync to an election.
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15),
		}, []string{"result"}),
	}
	m.registry.MustRegister(m.appends,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// append is streams.Config.OnAppend.
func (m *meters) append(took time.Duration, err error) {
	result := "stored"
	if err != nil {
		result = "refused"
	}
	m.appends.WithLabelValues(result).Observe(took.Seconds())
}

// handler serves the metrics of a.
func (m *meters) handler(a *app) http.Handler {
	m.registry.MustRegister(scrape{a})
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// scrape reads the parts' own counters.
type scrape struct{ *app }

var (
	feedsOpen    = desc("hub_feeds_open", "Feeds open now.", "wire")
	feedsOpened  = desc("hub_feeds_opened_total", "Feeds opened, by whether they resumed.", "wire", "resumed")
	feedsClosed  = desc("hub_feeds_closed_total", "Feeds ended, by reason.", "wire", "reason")
	feedBytes    = desc("hub_feed_bytes_total", "Bytes of frames handed to sockets.", "wire")
	feedFrames   = desc("hub_feed_frames_total", "Frames handed to feeds.")
	fromMap      = desc("hub_caught_up_from_map_total", "Times a reader was caught up from the map instead of the ring.")
	encoded      = desc("hub_frames_encoded_total", "Frames encoded, once for all who read them from a ring.")
	oneByOne     = desc("hub_frames_from_map_total", "Frames encoded for one reader alone, from the map.")
	sendBytes    = desc("hub_send_bytes", "Bytes that went to a feed at a time.", "wire")
	sendFrames   = desc("hub_send_frames", "Frames that went to a feed at a time.", "wire")
	feedsBehind  = desc("hub_feeds_behind", "Feeds that have not been handed all there is for them.", "wire")
	lagEvents    = desc("hub_feeds_lag_events", "Events that the feeds behind are behind, added up.", "wire")
	lagMost      = desc("hub_feeds_lag_most_events", "Events that the feed is behind that is behind most.", "wire")
	passFeeds    = desc("hub_pass_feeds", "Feeds that a worker served in one pass.")
	passTook     = desc("hub_pass_seconds", "Time that a worker's pass took.")
	eventsSeen   = desc("hub_events_applied_total", "Events folded since the start.")
	appendsSent  = desc("hub_appends_in_flight", "Appends on their way to the log's stream.")
	appendsWait  = desc("hub_appends_waiting", "Appends that wait for those in flight.")
	connsOpen    = desc("hub_connections_open", "Connections open now.")
	connsQUIC    = desc("hub_quic_connections_open", "QUIC connections open now, after their handshake.")
	connsRetried = desc("hub_quic_retries_total", "QUIC handshakes that had to prove their address first.")
	connsMoved   = desc("hub_quic_migrations_total", "Moves of clients to another address whose QUIC connection went on, by whether the network is another one.", "kind")
	feedsRenewed = desc("hub_quic_renewals_total", "Feeds asked to come again over a new QUIC connection, because theirs bears few more moves.")
	connsRefused = desc("hub_connections_refused_total", "Connections over a limit, by limit.", "reason")
	asksRefused  = desc("hub_requests_refused_total", "Requests over a limit of their address, by limit.", "reason")
	feedsRefused = desc("hub_feeds_refused_total", "Feeds over a limit, by limit.", "reason")
	memoryUsed   = desc("hub_memory_used_bytes", "Live heap and stacks, as the memory budget sees them.")
	memoryBudget = desc("hub_memory_budget_bytes", "Memory the hub may keep (--memory).")
	memoryShort  = desc("hub_memory_short", "1 while nobody new is let in for want of memory.")
	appliedSeq   = desc("hub_applied_sequence", "Sequence of the newest event folded.")
	followerLag  = desc("hub_follower_lag_events", "Events in the log that the follower has not folded.", "follower")
	subscribers  = desc("hub_subscriptions", "Subscriptions open now.")
	halted       = desc("hub_halted", "1 when the log holds events this hub cannot read.")
)

// reasons are why feeds end.
var reasons = []transport.Reason{transport.ClientGone, transport.Expired, transport.Stalled, transport.Refused, transport.Drained}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Describe implements prometheus.Collector. It describes nothing, which lets
// the parts be asked for the first time when somebody scrapes.
func (scrape) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (s scrape) Collect(ch chan<- prometheus.Metric) {
	number := func(d *prometheus.Desc, t prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, t, v, labels...)
	}
	const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue
	lags := s.hub.Lags()
	for wire, w := range s.feed.Stats() {
		number(feedsOpen, gauge, float64(w.Open), wire)
		number(feedsOpened, counter, float64(w.Fresh), wire, "false")
		number(feedsOpened, counter, float64(w.Resumed), wire, "true")
		number(feedBytes, counter, float64(w.Bytes), wire)
		ch <- histogram(sendBytes, w.Sends, 1, wire)
		ch <- histogram(sendFrames, w.Frames, 1, wire)
		number(feedsBehind, gauge, float64(lags[wire].Behind), wire)
		number(lagEvents, gauge, float64(lags[wire].Events), wire)
		number(lagMost, gauge, float64(lags[wire].Most), wire)
		for _, reason := range reasons { // also those of which there were none: rates need the zero
			number(feedsClosed, counter, float64(w.Closed[reason]), wire, string(reason))
		}
	}
	passes := s.feed.Passes()
	ch <- histogram(passFeeds, passes.Sessions, 1)
	ch <- histogram(passTook, passes.Micros, 1e-6)
	conns := s.server.Stats()
	number(connsOpen, gauge, float64(conns.Open))
	number(connsQUIC, gauge, float64(conns.QUIC))
	number(connsRetried, counter, float64(conns.Retried))
	for kind, n := range conns.Migrations {
		number(connsMoved, counter, float64(n), string(kind))
	}
	number(feedsRenewed, counter, float64(conns.Renewals))
	for reason, n := range conns.Refused {
		number(connsRefused, counter, float64(n), string(reason))
	}
	for reason, n := range conns.RefusedRequests {
		number(asksRefused, counter, float64(n), string(reason))
	}
	for reason, n := range s.feed.Refused() {
		number(feedsRefused, counter, float64(n), string(reason))
	}
	m := s.memory.Stats()
	number(memoryUsed, gauge, float64(m.Used))
	number(memoryBudget, gauge, float64(m.Bytes))
	number(memoryShort, gauge, truth(m.Tight))
	h := s.hub.Stats()
	number(feedFrames, counter, float64(h.Frames))
	number(fromMap, counter, float64(h.FellOff))
	number(encoded, counter, float64(h.Encoded))
	number(oneByOne, counter, float64(h.FromMap))
	number(eventsSeen, counter, float64(h.Events))
	sent, waiting := s.node.Log().InFlight()
	number(appendsSent, gauge, float64(sent))
	number(appendsWait, gauge, float64(waiting))
	number(appliedSeq, gauge, float64(h.Applied))
	number(subscribers, gauge, float64(h.Subscriptions))
	number(halted, gauge, truth(s.hub.Halted() != nil))
	ctx, cancel := context.WithTimeout(context.Background(), headWithin)
	defer cancel()
	if head, err := s.node.Log().Head(ctx); err == nil {
		number(followerLag, gauge, float64(head-min(head, h.Applied)), "hub")
	}
}

// histogram is a distribution of things of so many units each.
func histogram(d *prometheus.Desc, of transport.Distribution, unit float64, labels ...string) prometheus.Metric {
	buckets, count := make(map[float64]uint64), uint64(0)
	for i, n := range of.Counts {
		if count += n; i < len(of.Counts)-1 { // the last one has no bound
			buckets[float64(uint64(1)<<i-1)*unit] = count
		}
	}
	return prometheus.MustNewConstHistogram(d, count, float64(of.Sum)*unit, buckets, labels...)
}

// headWithin is how long a scrape waits for the log to say where it ends.
const headWithin = time.Second

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
