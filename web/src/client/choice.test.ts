import assert from "node:assert/strict";
import { test } from "node:test";
import { Choice, rememberMs } from "./choice";
import type { Family } from "./engine";
import { FakeTime, FakeWire } from "./fake";
import { Feed } from "./feed";
import type { Frame } from "./frame";
import { Hubs, type HubInfo } from "./hubs";
import { Memory } from "./memory";
import { Problem, unreachable } from "./problem";
import type { WireName } from "./wire";

const live: Frame = { live: true, cursor: "e.1" };

interface Given {
  family?: Family;
  has?: WireName[];
  /** What was remembered before; shared between pages of one device. */
  kept?: { v: unknown };
  info?: HubInfo;
  time?: FakeTime;
}

function page(g: Given = {}) {
  const time = g.time || new FakeTime();
  const kept = g.kept || { v: null };
  const memory = new Memory({ read: () => kept.v, write: (v) => (kept.v = JSON.parse(JSON.stringify(v))) });
  const asked: string[] = [];
  const ask = (hub: string): Promise<HubInfo> => {
    asked.push(hub);
    return g.info ? Promise.resolve(g.info) : new Promise(() => {});
  };
  const hubs = new Hubs(ask, memory, time);
  const wires = { wt: new FakeWire("wt"), ws: new FakeWire("ws"), sse: new FakeWire("sse"), ndjson: new FakeWire("ndjson") };
  wires.sse.abroad = false;
  wires.wt.words = wires.ws.words = true;
  const has = g.has || ["wt", "ws", "sse", "ndjson"];
  const choice = new Choice({ wires: has.map((n) => wires[n]), family: g.family || "chromium", hubs, memory, env: time });
  const feed = new Feed({ topics: ["board"], pace: "attentive", wire: choice, env: time, onChange: () => {}, onStatus: () => {} });
  const opened = () => has.map((n) => wires[n].opened.length).join("");
  /** Lets what was promised happen. */
  const settle = () => new Promise<void>((done) => setImmediate(done));
  feed.start();
  return { time, kept, feed, opened, asked, settle, ...wires };
}

test("the best wire runs alone while it has its head start", () => {
  const p = page();
  assert.equal(p.opened(), "1000");
  p.time.pass(399);
  assert.equal(p.opened(), "1000");
  p.wt.last.send(live);
  assert.equal(p.feed.now().state, "live");
  assert.equal(p.feed.now().wire, "wt");
  p.time.pass(1000);
  assert.equal(p.opened(), "1000");
});

test("the next best is started beside one that is not live in time, and the first live is taken", () => {
  const p = page();
  p.time.pass(400);
  assert.equal(p.opened(), "1100");
  p.time.pass(300);
  assert.equal(p.opened(), "1110");
  p.ws.last.send({ topic: "board", reset: true }, { topic: "board", key: "1", seq: 1, value: "one" });
  assert.equal(p.feed.now().wire, "");
  p.ws.last.send(live);
  assert.equal(p.feed.now().wire, "ws");
  assert.equal(p.feed.topics.get("board", "1"), "one", "what came before it was live counts");
  assert.equal(p.sse.last.closed, true, "a worse wire is left at once");
  p.time.pass(60);
  assert.equal(p.opened(), "1110", "nothing more is started");
});

test("a wire that fails gives its head start to the next", () => {
  const p = page();
  p.wt.last.end(unreachable());
  assert.equal(p.opened(), "1100");
  p.ws.last.end(unreachable());
  assert.equal(p.opened(), "1110");
  p.sse.last.send(live);
  assert.equal(p.feed.now().wire, "sse");
});

test("a better wire that is live a moment later does not take over, but is taken the next time", () => {
  const p = page();
  p.time.pass(400);
  p.ws.last.send(live);
  assert.equal(p.wt.last.closed, false);
  p.time.pass(100);
  p.wt.last.send(live, { topic: "board", key: "9", seq: 9, value: "by the loser", cursor: "e.9" });
  assert.equal(p.wt.last.closed, true);
  assert.equal(p.feed.now().wire, "ws");
  assert.equal(p.feed.topics.get("board", "9"), undefined);
  assert.equal(p.ws.last.closed, false);
  const again = page({ kept: p.kept, time: p.time });
  assert.equal(again.opened(), "1000");
});

test("of the better wires that are live a moment later, the best is taken the next time", () => {
  for (const order of [["wt", "ws"], ["ws", "wt"]] as const) {
    const p = page();
    p.time.pass(700);
    p.sse.last.send(live);
    for (const name of order) {
      p[name].last.send(live);
    }
    assert.equal(p.feed.now().wire, "sse");
    assert.equal(page({ kept: p.kept, time: p.time }).opened(), "1000");
  }
});

test("a better wire that stays silent is left after a moment", () => {
  const p = page();
  p.time.pass(400);
  p.ws.last.send(live);
  p.time.pass(1999);
  assert.equal(p.wt.last.closed, false);
  p.ws.last.send({ ping: true });
  p.time.pass(1);
  assert.equal(p.wt.last.closed, true);
  assert.equal(p.feed.now().wire, "ws");
});

test("what came first is remembered, and has a longer head start", () => {
  const p = page();
  p.wt.last.end(unreachable());
  p.ws.last.send(live);
  const again = page({ kept: p.kept, time: p.time });
  assert.equal(again.opened(), "0100");
  p.time.pass(799);
  assert.equal(again.opened(), "0100");
  p.time.pass(1);
  assert.equal(again.opened(), "1100", "then the best of the others");
});

test("a remembered wire that fails is forgotten at once, and the others run", () => {
  const p = page();
  p.wt.last.end(unreachable());
  p.ws.last.send(live);
  const again = page({ kept: p.kept, time: p.time });
  again.ws.last.end(unreachable());
  assert.equal(again.opened(), "1100");
  const third = page({ kept: p.kept, time: p.time });
  assert.equal(third.opened(), "1000", "it was forgotten");
});

test("memory ends after an hour, and so a page on a worse wire tries a better one, without a gap", () => {
  const p = page();
  p.wt.last.end(unreachable());
  p.ws.last.send(live, { topic: "board", key: "1", seq: 5, value: 1, cursor: "e.5" });
  const pinging = (): void => {
    p.time.pass(1000);
    p.ws.opened[0].send({ ping: true });
  };
  for (let t = 0; t < rememberMs - 1000; t += 1000) {
    pinging();
  }
  assert.equal(p.opened(), "1100");
  for (let t = 0; t < 0.1 * rememberMs && p.wt.opened.length === 1; t += 1000) {
    pinging();
  }
  assert.equal(p.opened(), "2100");
  assert.equal(p.wt.last.url, "/v1/feed?topics=board@e.5&pace=attentive");
  assert.equal(p.ws.last.closed, false);
  p.wt.last.send({ live: true, cursor: "e.5" });
  assert.equal(p.ws.last.closed, true);
  assert.equal(p.feed.now().wire, "wt");
});

test("WebKit starts with ws, and the hub's policy decides from the next time on", async () => {
  const policy = [
    { browser: "webkit", wires: ["sse", "ndjson"] },
    { browser: "other", wires: ["wt", "ws", "sse", "ndjson"] },
  ];
  const p = page({ family: "webkit", info: { policy } });
  assert.equal(p.opened(), "0100", "it is not waited for");
  await p.settle();
  p.ws.last.send(live);
  const again = page({ family: "webkit", info: { policy }, kept: p.kept, time: p.time });
  assert.equal(again.opened(), "0010", "the policy beats what was remembered");
  again.time.pass(5000);
  assert.equal(again.ws.opened.length + again.wt.opened.length, 0);
});

test("the first entry of a policy that matches counts, and wires the hub does not speak are left out", async () => {
  const info = { wires: ["ws", "sse", "ndjson"], policy: [{ browser: "other", wires: ["wt", "sse", "ws"] }, { browser: "chromium", wires: ["ndjson"] }] };
  const p = page({ info });
  await p.settle();
  const again = page({ info, kept: p.kept, time: p.time });
  assert.equal(again.opened(), "0010");
});

test("a policy that leaves this engine nothing is not followed", async () => {
  const info = { policy: [{ browser: "other", wires: ["wt"] }] };
  const p = page({ info, has: ["ws", "ndjson"] });
  await p.settle();
  const again = page({ info, has: ["ws", "ndjson"], kept: p.kept, time: p.time });
  assert.equal(again.opened(), "10");
});

test("a hub is asked how to be reached once an hour, and left alone when it does not say", async () => {
  const p = page({ info: {} });
  await p.settle();
  p.wt.last.send(live);
  p.feed.start();
  assert.deepEqual(p.asked, [""]);
  p.time.pass(60 * 60000);
  assert.equal(page({ info: {}, kept: p.kept, time: p.time }).asked.length, 1);
  const mute = page();
  mute.time.pass(5000); // it is given up
  await mute.settle();
  mute.feed.start();
  assert.equal(mute.asked.length, 1);
  mute.time.pass(60000);
  mute.feed.start();
  assert.equal(mute.asked.length, 2);
});

test("an engine without the newer wires just lacks them", () => {
  const p = page({ has: ["sse"] });
  assert.equal(p.opened(), "1");
  p.sse.last.send(live);
  assert.equal(p.feed.now().wire, "sse");
});

test("what the hub says for all wires ends the race", () => {
  const p = page();
  p.time.pass(400);
  p.ws.last.send({ error: { code: "forbidden", detail: "Not yours." } });
  assert.equal(p.feed.now().state, "refused");
  assert.equal(p.wt.last.closed, true);
  p.time.pass(60000);
  assert.equal(p.opened(), "1100");
});

test("a hub that asks for patience on one wire is not asked on the next", () => {
  const p = page();
  p.wt.last.send({ error: { code: "too_many_requests", detail: "", field: "topics", retry_after_ms: 2000 } });
  assert.equal(p.feed.now().problem?.field, "topics");
  p.time.pass(1900);
  assert.equal(p.opened(), "1000");
  p.time.pass(200);
  assert.equal(p.opened(), "2000");
});

test("a proxy's answer on one wire does not end the race", () => {
  const p = page();
  p.wt.last.end(unreachable());
  p.ws.last.end(new Problem("status_502", "", 502));
  assert.equal(p.opened(), "1110");
});

test("when all fail, the feed waits and they run again", () => {
  const p = page({ has: ["ws", "sse"] });
  p.ws.last.end(unreachable());
  p.sse.last.end(unreachable());
  assert.equal(p.opened(), "11");
  p.time.pass(250);
  assert.equal(p.opened(), "21");
});

test("a wire that falls silent mid-way is forgotten, and another resumes within a stall limit", () => {
  const p = page();
  p.wt.last.send(live, { topic: "board", key: "1", seq: 7, value: "seven", cursor: "e.7" });
  p.time.pass(2400);
  assert.equal(p.wt.last.closed, false);
  p.time.pass(600);
  assert.equal(p.wt.opened[0].silent, true, "what it shares must go too");
  p.time.pass(125 + 400);
  assert.equal(p.opened(), "2100");
  assert.equal(p.ws.last.url, "/v1/feed?topics=board@e.7&pace=attentive");
  p.ws.last.send({ topic: "board", key: "1", seq: 8, value: "eight" }, { live: true, cursor: "e.8" });
  assert.equal(p.feed.now().wire, "ws");
  assert.equal(p.feed.topics.get("board", "1"), "eight");
  assert.equal(page({ kept: p.kept, time: p.time }).opened(), "0100");
});

test("a first state that takes long is not given up while it comes", () => {
  const p = page({ has: ["ndjson"] });
  for (let i = 1; i <= 20; i++) {
    p.time.pass(1000);
    p.ndjson.opened[0].send({ topic: "board", key: String(i), seq: i, value: i });
  }
  assert.equal(p.ndjson.opened.length, 1);
  p.ndjson.last.send({ live: true, cursor: "e.20" });
  assert.equal(p.feed.topics.entries("board").length, 20);
});

test("another hub is reached by the wires that reach it", () => {
  const p = page({ has: ["sse", "ndjson"] });
  p.sse.last.send(live, { goaway: { within_ms: 4000, to: ["https://pi-2:8443"] } });
  assert.equal(p.opened(), "11");
  p.ndjson.last.send(live);
  assert.equal(p.feed.now().hub, "https://pi-2:8443");
  assert.equal(p.sse.last.closed, true);
});

test("leaving leaves every runner", () => {
  const p = page();
  p.time.pass(700);
  p.feed.stop();
  assert.deepEqual([p.wt, p.ws, p.sse].map((w) => w.last.closed), [true, true, true]);
  p.time.pass(60000);
  assert.equal(p.opened(), "1110");
});

test("coming first again does not put off the hour", () => {
  const p = page();
  p.wt.last.end(unreachable());
  p.ws.last.send(live);
  p.feed.stop();
  p.time.pass(rememberMs - 1000);
  const again = page({ kept: p.kept, time: p.time });
  assert.equal(again.opened(), "0100");
  again.ws.last.send(live);
  again.feed.stop();
  p.time.pass(1000);
  assert.equal(page({ kept: p.kept, time: p.time }).opened(), "1000");
});

test("a ticket that is refused on one wire is not tried on the next", () => {
  const p = page();
  p.wt.last.end(new Problem("unauthenticated", "Sign in first.", 401));
  assert.equal(p.feed.now().state, "refused");
  assert.equal(p.opened(), "1000");
});

test("in doubt what is shared is tried as it is, then afresh, and the others soon after", () => {
  const p = page();
  p.wt.last.send(live);
  p.wt.shared = true;
  p.time.pass(500);
  p.feed.check();
  assert.equal(p.wt.opened[0].kicks, 1);
  assert.equal(p.opened(), "2000");
  assert.equal(p.wt.last.ask.since, undefined);
  const began = p.time.now();
  p.time.pass(150);
  assert.equal(p.opened(), "3000");
  assert.equal(p.wt.last.ask.since, began);
  p.time.pass(150);
  assert.equal(p.opened(), "3100");
  p.ws.last.send(live);
  assert.equal(p.feed.now().wire, "ws");
  assert.equal(p.wt.opened[0].closed, true);
});

test("what is shared and answers is taken, and the other way of the same wire left", () => {
  const p = page();
  p.wt.last.send(live);
  p.wt.shared = true;
  p.feed.check();
  p.time.pass(150);
  p.wt.opened[1].send(live);
  assert.deepEqual(p.wt.opened.map((o) => o.closed), [true, false, true]);
  assert.equal(p.feed.now().wire, "wt");
});

test("what is shared and fails at once is not held against its wire", () => {
  const p = page();
  p.wt.last.send(live);
  p.wt.shared = true;
  p.feed.check();
  p.wt.last.end(unreachable());
  assert.equal(p.opened(), "3000");
  p.wt.last.send(live);
  assert.equal(page({ kept: p.kept, time: p.time }).opened(), "1000", "it is what came first");
  p.time.pass(300);
  assert.equal(p.opened(), "3000");
});

test("one that asked to be replaced before it was live is, once it is", () => {
  const p = page();
  p.wt.last.renew();
  assert.equal(p.opened(), "1000");
  p.wt.last.send(live);
  assert.equal(p.opened(), "2000");
  assert.equal(p.wt.opened[0].closed, false);
  p.wt.last.send(live);
  assert.equal(p.wt.opened[0].closed, true);
});
