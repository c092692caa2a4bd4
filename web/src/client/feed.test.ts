import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeTime, FakeWire } from "./fake";
import { Feed } from "./feed";
import { hubClock, trust } from "./freshness";
import { Problem, unreachable } from "./problem";
import type { Watcher } from "./signs";
import type { Status } from "./status";

const noon = "2026-11-22T12:00:00.000Z";

function open(topics = ["board"]) {
  const time = new FakeTime();
  const wire = new FakeWire();
  const changes: string[][] = [];
  const states: string[] = [];
  const signs: Watcher[] = [];
  const feed = new Feed({
    topics,
    pace: "attentive",
    wire,
    env: time,
    onChange: (t) => changes.push(t),
    onStatus: (s: Status) => states.push(s.state),
    ticket: () => Promise.resolve("a-ticket"),
    signs: (to) => {
      signs.push(to);
      return () => signs.splice(signs.indexOf(to), 1);
    },
  });
  feed.start();
  return { time, wire, feed, changes, states, signs };
}

test("a feed asks for its topics, goes live and tells what changed", () => {
  const { wire, feed, changes } = open(["board", "menu"]);
  assert.equal(wire.last.url, "/v1/feed?topics=board,menu&pace=attentive");
  assert.equal(feed.now().state, "connecting");
  wire.last.send({ topic: "board", reset: true }, { topic: "board", key: "1", seq: 1, value: 1 }, { live: true, cursor: "e.1", now: noon });
  assert.equal(feed.now().state, "live");
  assert.deepEqual(changes, [["board"]]);
});

test("a lost connection is tried again with positions and jitter", () => {
  const { wire, feed, time } = open(["board", "menu"]);
  wire.last.send({ live: true, cursor: "e.1" }, { topic: "board", key: "1", seq: 4, value: 1, cursor: "e.4" });
  wire.last.end(unreachable());
  assert.equal(feed.now().state, "offline");
  time.pass(124);
  assert.equal(wire.opened.length, 1);
  time.pass(2); // half of the first cap of 250 ms
  assert.equal(wire.opened.length, 2);
  assert.equal(wire.last.url, "/v1/feed?topics=board@e.4,menu@e.1&pace=attentive");
});

test("waits grow to five seconds and no further", () => {
  const { wire, time } = open();
  time.chance = 0.999;
  const waits: number[] = [];
  for (let i = 0; i < 8; i++) {
    const n = wire.opened.length;
    wire.last.end(unreachable());
    const from = time.now();
    while (wire.opened.length === n) {
      time.pass(50);
    }
    waits.push(time.now() - from);
  }
  assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 5000, 5000, 5000]);
});

test("Retry-After is waited for", () => {
  const { wire, time } = open();
  wire.last.end(new Problem("unavailable", "", 503, "", 3000));
  time.pass(2900);
  assert.equal(wire.opened.length, 1);
  time.pass(200);
  assert.equal(wire.opened.length, 2);
});

test("silence of two and a half paces is a loss", () => {
  const { wire, feed, time } = open();
  wire.last.send({ live: true, cursor: "e.1", now: noon });
  time.pass(2400);
  assert.equal(feed.now().state, "live");
  wire.last.send({ ping: true, cursor: "e.1", now: noon });
  time.pass(2400);
  assert.equal(wire.opened[0].closed, false);
  time.pass(1000);
  assert.equal(wire.opened[0].closed, true);
  assert.equal(feed.now().state, "offline");
});

test("an opening that hangs is given up", () => {
  const { wire, time } = open();
  time.pass(7900);
  assert.equal(wire.opened.length, 1);
  time.pass(2000);
  assert.equal(wire.opened.length, 2);
});

test("a sign that the network is back ends the wait", () => {
  const { wire, feed, time } = open();
  wire.last.send({ live: true, cursor: "e.1" });
  for (let i = 0; i < 6; i++) {
    wire.last.end(unreachable());
    time.pass(6000);
  }
  wire.last.end(unreachable());
  const n = wire.opened.length;
  feed.check();
  assert.equal(wire.opened.length, n + 1);
  assert.equal(wire.last.ask.since, time.now());
  time.pass(10000);
  assert.equal(wire.opened.length, n + 2, "the wait that was ended does not end again");
});

test("what is in doubt goes on until a connection that is no older answers", () => {
  const { wire, feed, time, states } = open();
  wire.last.send({ live: true, cursor: "e.1" }, { topic: "board", key: "1", seq: 2, value: "before", cursor: "e.2" });
  time.pass(400);
  feed.check();
  assert.deepEqual([wire.opened[0].kicks, wire.opened.length], [1, 2]);
  assert.equal(wire.last.url, "/v1/feed?topics=board@e.2&pace=attentive");
  assert.equal(wire.last.ask.since, time.now());
  time.pass(20);
  wire.opened[0].send({ topic: "board", key: "1", seq: 3, value: "meanwhile", cursor: "e.3" });
  assert.equal(feed.topics.get("board", "1"), "meanwhile");
  assert.equal(wire.opened[0].closed, false);
  wire.last.send({ topic: "board", key: "1", seq: 3, value: "again", cursor: "e.3" }, { live: true, cursor: "e.3" });
  assert.equal(wire.opened[0].closed, true);
  assert.equal(wire.opened[0].silent, false);
  assert.equal(feed.topics.get("board", "1"), "meanwhile");
  assert.deepEqual(states, ["live", "live"], "the page hears of it, though nothing else changed");
  time.pass(2000);
  assert.deepEqual([feed.now().state, feed.now().doubt, wire.opened.length], ["live", undefined, 2]);
});

test("a hub that does not answer at once is not called live, whatever had come before", () => {
  const { wire, feed, time, states } = open();
  wire.last.send({ live: true, cursor: "e.1", now: noon });
  time.pass(400);
  feed.check();
  wire.opened[0].send({ ping: true, cursor: "e.1" }); // it waited while the page slept
  const n = states.length;
  time.pass(299);
  assert.equal(trust(feed.now(), time.now(), "attentive"), "live");
  time.pass(1);
  assert.equal(states.length, n + 1, "the page is told");
  assert.equal(feed.now().doubt, "unanswered");
  assert.equal(trust(feed.now(), time.now(), "attentive"), "catching");
  wire.opened[0].send({ ping: true, cursor: "e.1" });
  assert.equal(trust(feed.now(), time.now(), "attentive"), "live");
  assert.equal(wire.opened[0].closed, false);
});

test("what comes after a moment is an answer as well", () => {
  const { wire, feed, time } = open();
  wire.last.send({ live: true, cursor: "e.1" });
  feed.check();
  time.pass(200);
  wire.opened[0].send({ ping: true, cursor: "e.1" });
  time.pass(500);
  assert.equal(feed.now().doubt, undefined);
});

test("a second doubt replaces what the first one opened", () => {
  const { wire, feed, time } = open();
  wire.last.send({ live: true, cursor: "e.1" }, { goaway: { within_ms: 4000, to: ["https://pi-2:8443"] } });
  feed.check();
  time.pass(1000);
  feed.check();
  assert.deepEqual(wire.opened.map((o) => o.closed), [false, true, true, false]);
  assert.equal(wire.last.url, "https://pi-2:8443/v1/feed?topics=board@e.1&pace=attentive", "it still leaves a hub that drains");
});

test("without a network it says so at once, and lets what there is go on", () => {
  const { wire, feed, time, signs } = open();
  wire.last.send({ live: true, cursor: "e.1", now: noon });
  signs[0].offline();
  assert.equal(feed.now().doubt, "offline");
  assert.equal(trust(feed.now(), time.now(), "attentive"), "catching");
  assert.equal(wire.last.closed, false);
  time.pass(500);
  signs[0].check();
  assert.equal(feed.now().doubt, "unanswered", "the network is back, the hub is not yet");
  wire.last.send({ live: true, cursor: "e.1", now: noon });
  assert.equal(trust(feed.now(), time.now(), "attentive"), "live");
});

test("signs are heard while the feed runs, once each", () => {
  const { wire, feed, signs } = open();
  feed.start();
  assert.equal(signs.length, 1);
  const [to] = signs;
  wire.last.end(new Problem("forbidden", "Not yours.", 403));
  assert.equal(signs.length, 0);
  const n = wire.opened.length;
  to.check();
  to.offline();
  assert.equal(wire.opened.length, n);
  assert.equal(feed.now().state, "refused");
});

test("a page that slept does not take its own silence for the hub's", () => {
  const { wire, feed, time } = open();
  wire.last.send({ live: true, cursor: "e.4" });
  time.sleep(3600000);
  assert.equal(wire.opened[0].closed, false);
  assert.equal(wire.last.url, "/v1/feed?topics=board@e.4&pace=attentive", "it asks");
  wire.opened[0].send({ ping: true, cursor: "e.4" });
  time.pass(1000);
  assert.equal(wire.opened[0].closed, false);
  time.sleep(3600000);
  time.pass(600);
  assert.equal(wire.opened[0].silent, true, "it was awake for long enough to hear");
  assert.equal(feed.now().state, "live");
  wire.last.send({ live: true, cursor: "e.9" });
  assert.equal(trust(feed.now(), time.now(), "attentive"), "live");
});

test("goaway: the next hub is live before this one is left", async () => {
  const { wire, feed } = open();
  wire.last.send({ live: true, cursor: "e.7" }, { goaway: { within_ms: 4000, to: ["https://pi-2:8443"] } });
  await Promise.resolve();
  const [old, next] = wire.opened;
  assert.equal(next.url, "https://pi-2:8443/v1/feed?topics=board@e.7&pace=attentive");
  assert.equal(await next.ask.ticket?.(), "a-ticket");
  assert.equal(old.closed, false);
  old.send({ topic: "board", key: "1", seq: 8, value: "from the old", cursor: "e.8" });
  next.send({ topic: "board", key: "1", seq: 8, value: "again", cursor: "e.8" }, { live: true, cursor: "e.8" });
  assert.equal(old.closed, true);
  assert.equal(feed.now().state, "live");
  assert.equal(feed.topics.get("board", "1"), "from the old");
});

test("goaway: a next hub that fails leaves the old one in place", async () => {
  const { wire, feed } = open();
  wire.last.send({ live: true, cursor: "e.7" }, { goaway: { within_ms: 4000, to: ["https://pi-2:8443"] } });
  await Promise.resolve();
  wire.opened[1].end(unreachable());
  assert.equal(wire.opened[0].closed, false);
  assert.equal(feed.now().state, "live");
  wire.opened[0].end(unreachable());
  assert.equal(feed.now().state, "offline");
});

test("goaway with nowhere to go: the end is tried again at once", () => {
  const { wire, time } = open();
  wire.last.send({ live: true, cursor: "e.7" }, { goaway: { within_ms: 4000, to: [] } });
  assert.equal(wire.opened.length, 1);
  wire.last.end(unreachable());
  time.pass(250);
  assert.equal(wire.opened.length, 2);
});

test("refused is said and not tried again until started", () => {
  const { wire, feed, time } = open();
  wire.last.end(new Problem("unauthenticated", "Sign in first.", 401));
  assert.equal(feed.now().state, "refused");
  time.pass(60000);
  assert.equal(wire.opened.length, 1);
  feed.start();
  assert.equal(wire.opened.length, 2);
});

test("an expired token in the stream is a refusal", () => {
  const { wire, feed } = open();
  wire.last.send({ live: true, cursor: "e.1" }, { error: { code: "token_expired", detail: "Sign in again." } });
  assert.equal(feed.now().state, "refused");
  assert.equal(feed.now().problem?.code, "token_expired");
  assert.equal(wire.last.closed, true);
});

test("a cursor that the hub does not take is dropped", () => {
  const { wire, time } = open();
  wire.last.send({ live: true, cursor: "e.1" });
  wire.last.end(new Problem("bad_cursor", "", 400));
  time.pass(250);
  assert.equal(wire.last.url, "/v1/feed?topics=board&pace=attentive");
});

test("stale lasts until the next live", () => {
  const { wire, feed, time } = open();
  wire.last.send({ live: true, cursor: "e.1", now: noon });
  wire.last.send({ stale: { since: "2026-11-22T11:59:50.000Z", why: "no_quorum" } });
  wire.last.send({ ping: true, cursor: "e.1", now: noon });
  assert.equal(feed.now().state, "stale");
  assert.equal(trust(feed.now(), time.now(), "attentive"), "old");
  wire.last.send({ live: true, cursor: "e.1", now: noon });
  assert.equal(feed.now().state, "live");
  assert.equal(feed.now().stale, undefined);
});

test("a change of pace keeps the old feed until the new one is live", () => {
  const { wire, feed } = open();
  wire.last.send({ live: true, cursor: "e.1" });
  feed.setPace("idle");
  assert.equal(wire.last.url, "/v1/feed?topics=board@e.1&pace=idle");
  assert.equal(wire.opened[0].closed, false);
  wire.last.send({ live: true, cursor: "e.1" });
  assert.equal(wire.opened[0].closed, true);
});

test("trust falls with silence, and the clock stops", () => {
  const { wire, feed, time } = open();
  assert.equal(trust(feed.now(), time.now(), "attentive"), "catching");
  wire.last.send({ live: true, cursor: "e.1", now: noon });
  const at = Date.parse(noon);
  assert.equal(trust(feed.now(), time.now(), "attentive"), "live");
  time.pass(1500);
  assert.equal(trust(feed.now(), time.now(), "attentive"), "live");
  assert.equal(hubClock(feed.now(), time.now(), "attentive"), at + 1500);
  time.pass(1000);
  assert.equal(trust(feed.now(), time.now(), "attentive"), "catching");
  time.pass(12600);
  assert.equal(trust(feed.now(), time.now(), "attentive"), "old");
  assert.equal(hubClock(feed.now(), time.now(), "attentive"), at + 2000);
  time.pass(45000);
  assert.equal(trust(feed.now(), time.now(), "attentive"), "lost");
});

test("an idle feed is given its own pace before it counts as old", () => {
  const { wire, feed, time } = open();
  feed.setPace("idle");
  wire.last.send({ live: true, cursor: "e.1", now: noon });
  time.pass(39000);
  assert.equal(trust(feed.now(), time.now(), "idle"), "live");
});

test("a wire with a word for it changes the pace without another connection", () => {
  const { wire, feed, time } = open();
  wire.words = true;
  wire.last.send({ live: true, cursor: "e.1", now: noon });
  feed.setPace("idle");
  assert.deepEqual(wire.last.paces, ["idle"]);
  time.pass(19000);
  assert.equal(wire.opened.length, 1, "silence is judged by the new pace");
  feed.setPace("attentive");
  assert.deepEqual(wire.last.paces, ["idle", "attentive"]);
  assert.equal(trust(feed.now(), time.now(), "attentive"), "live", "the new pace has its time");
  time.pass(2400);
  assert.equal(wire.last.closed, false);
  time.pass(700);
  assert.equal(wire.opened[0].closed, true);
});

test("a pace that changed while the feed opened is asked for when it is live", () => {
  const { wire, feed } = open();
  wire.words = true;
  feed.setPace("idle");
  assert.deepEqual(wire.last.paces, []);
  wire.last.send({ live: true, cursor: "e.1" });
  assert.deepEqual(wire.last.paces, ["idle"]);
});

test("a pace is not asked of one that has fallen silent: it is replaced", () => {
  const { wire, feed, time } = open();
  wire.words = true;
  wire.last.send({ live: true, cursor: "e.1" });
  feed.setPace("idle");
  time.pass(45000);
  const slept = time.now;
  time.now = () => slept.call(time) + 3600000; // no timer runs while a phone sleeps
  feed.setPace("attentive");
  time.now = slept;
  time.sleep(3600000);
  assert.deepEqual(wire.opened[0].paces, ["idle"]);
  assert.equal(wire.last.url, "/v1/feed?topics=board@e.1&pace=attentive");
  wire.last.send({ live: true, cursor: "e.1" });
  assert.equal(wire.opened[0].closed, true);
});

test("a line that asks for it is replaced before it is left, however often that takes", () => {
  const { wire, feed, time } = open();
  wire.last.send({ live: true, cursor: "e.3" });
  wire.opened[0].renew();
  assert.equal(wire.opened.length, 2);
  assert.equal(wire.opened[0].closed, false);
  wire.last.end(unreachable());
  for (let i = 0; i < 6; i++) {
    time.pass(1000);
    wire.opened[0].send({ ping: true, cursor: "e.3" });
  }
  assert.equal(wire.opened.length, 3);
  assert.equal(feed.now().state, "live");
  wire.last.send({ live: true, cursor: "e.3" });
  assert.equal(wire.opened[0].closed, true);
  for (let i = 0; i < 20; i++) {
    time.pass(1000);
    wire.last.send({ ping: true, cursor: "e.3" });
  }
  assert.equal(wire.opened.length, 3, "the new one is not replaced");
});

test("an end of the feed says when to come again", () => {
  const { wire, feed, time } = open();
  wire.last.send({ live: true, cursor: "e.1" }, { error: { code: "too_many_requests", detail: "", retry_after_ms: 4000 } });
  assert.equal(feed.now().state, "offline");
  time.pass(3900);
  assert.equal(wire.opened.length, 1);
  time.pass(200);
  assert.equal(wire.opened.length, 2);
});
