import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { Manners } from "./engine";
import { FakeTime } from "./fake";
import type { Frame } from "./frame";
import { Problem } from "./problem";
import type { Ask } from "./wire";
import { WT } from "./wt";

interface HubStream {
  /** Lines that the page sent. */
  lines: string[];
  say(text: string): Promise<void>;
  fin(): Promise<void>;
  /** Whether the page stopped reading. */
  stopped: boolean;
}

/** The hub's end of a WebTransport session, over real streams. */
class Peer {
  static made: Peer[] = [];
  streams: HubStream[] = [];
  /** How many bytes each datagram from the page had. */
  heartbeats: number[] = [];
  datagrams = { writable: new WritableStream<Uint8Array>({ write: (b) => void this.heartbeats.push(b.length) }) };
  closedByPage = false;
  accept!: () => void;
  gone!: () => void;
  ready: Promise<void>;
  closed: Promise<unknown>;

  constructor(
    readonly url: string,
    readonly options: { serverCertificateHashes?: { algorithm: string; value: Uint8Array }[] },
  ) {
    let refuse: (e: Error) => void;
    let over: (e: Error) => void;
    this.ready = new Promise<void>((yes, no) => {
      this.accept = yes;
      refuse = no;
    });
    this.closed = new Promise<unknown>((_, no) => (over = no));
    this.gone = () => {
      refuse(new Error("Opening handshake failed."));
      over(new Error("Connection lost."));
    };
    Peer.made.push(this);
  }

  createBidirectionalStream(): Promise<unknown> {
    const up = new TransformStream<Uint8Array, Uint8Array>();
    const down = new TransformStream<Uint8Array, Uint8Array>(undefined, undefined, { highWaterMark: 16 });
    const writer = down.writable.getWriter();
    const s: HubStream = {
      lines: [],
      stopped: false,
      say: (text) => writer.write(new TextEncoder().encode(text)),
      fin: () => writer.close(),
    };
    writer.closed.catch(() => (s.stopped = true));
    void readLines(up.readable, s.lines);
    this.streams.push(s);
    return Promise.resolve({ readable: down.readable, writable: up.writable });
  }

  close(): void {
    this.closedByPage = true;
  }
}

async function readLines(from: ReadableStream<Uint8Array>, into: string[]): Promise<void> {
  const reader = from.getReader();
  let rest = "";
  for (let part = await reader.read().catch(() => undefined); part && !part.done; part = await reader.read().catch(() => undefined)) {
    const lines = (rest + new TextDecoder().decode(part.value)).split("\n");
    rest = lines.pop() || "";
    into.push(...lines);
  }
}

const settle = () => new Promise<void>((done) => setImmediate(done));
const doubts: string[] = [];
let hashes = [{ algorithm: "sha-256", value: btoa("\x01\x02\xff"), until: "2026-12-01T00:00:00.000Z" }];

beforeEach(() => {
  Peer.made = [];
  time = new FakeTime();
  doubts.length = 0;
  Object.assign(globalThis, { WebTransport: Peer, location: { origin: "https://pi-1:8443" } });
});

let time = new FakeTime();

function wire(manners: Manners = { datagrams: true }): WT {
  return new WT({ certificates: { of: () => Promise.resolve(hashes), doubt: (hub) => doubts.push(hub) }, manners, env: time });
}

function follow(wt: WT, ask: Partial<Ask> = {}) {
  const frames: Frame[] = [];
  const ends: Problem[] = [];
  const heard = { renewed: 0 };
  const line = wt.open({ hub: "", topics: "board", pace: "attentive", ...ask }, { frame: (f) => frames.push(f), stir: () => {}, renew: () => heard.renewed++, end: (p) => ends.push(p) });
  return { line, frames, ends, heard };
}

async function opened(wt: WT, ask?: Partial<Ask>) {
  const f = follow(wt, ask);
  await settle();
  Peer.made[Peer.made.length - 1].accept();
  await settle();
  const peer = Peer.made[Peer.made.length - 1];
  return { ...f, peer, stream: peer.streams[peer.streams.length - 1] };
}

test("a stream asks in its first line, and frames come back", async () => {
  const { peer, stream, frames } = await opened(wire(), { topics: "board@e.4,menu", ticket: () => Promise.resolve("a-ticket") });
  assert.equal(peer.url, "https://pi-1:8443/v1/feed");
  assert.deepEqual(peer.options.serverCertificateHashes, [{ algorithm: "sha-256", value: new Uint8Array([1, 2, 255]) }]);
  assert.deepEqual(stream.lines.map((l) => JSON.parse(l)), [{ topics: "board@e.4,menu", pace: "attentive", token: "a-ticket" }]);
  await stream.say('{"topic":"board","key":"1","seq":5,"va');
  await stream.say('lue":"ü"}\n{"live":true,"cursor":"e.5"}\n');
  await settle();
  assert.deepEqual(frames, [{ topic: "board", key: "1", seq: 5, value: "ü" }, { live: true, cursor: "e.5" }]);
});

test("a public certificate needs no hashes, and public topics no ticket", async () => {
  const before = hashes;
  hashes = [];
  const { peer, stream } = await opened(wire());
  hashes = before;
  assert.deepEqual(peer.options, {});
  assert.deepEqual(JSON.parse(stream.lines[0]), { topics: "board", pace: "attentive" });
});

test("the feeds of a page share a session, which ends with the last", async () => {
  const wt = wire();
  const a = await opened(wt);
  const b = await opened(wt, { topics: "menu" });
  assert.equal(Peer.made.length, 1);
  assert.equal(a.peer.streams.length, 2);
  a.line.close();
  await settle();
  assert.equal(a.stream.stopped, true);
  assert.equal(a.peer.closedByPage, false);
  b.line.close();
  assert.equal(a.peer.closedByPage, true);
  assert.deepEqual([a.ends, b.ends, doubts], [[], [], []]);
  await opened(wt);
  assert.equal(Peer.made.length, 2);
});

test("another pace is a line", async () => {
  const wt = wire();
  const early = follow(wt);
  assert.equal(early.line.pace("idle"), false);
  const { line, stream } = await opened(wt);
  assert.equal(line.pace("idle"), true);
  await settle();
  assert.deepEqual(JSON.parse(stream.lines[1]), { pace: "idle" });
});

test("a session that does not open ends its feeds, and its hashes are doubted", async () => {
  const wt = wire();
  const f = follow(wt);
  await settle();
  Peer.made[0].gone();
  await settle();
  assert.deepEqual(f.ends.map((p) => p.code), ["unreachable"]);
  assert.deepEqual(doubts, [""]);
  await opened(wt);
  assert.equal(Peer.made.length, 2);
});

test("the end of a stream ends its feed, of a session all", async () => {
  const wt = wire();
  const a = await opened(wt);
  const b = await opened(wt);
  await a.stream.fin();
  await settle();
  assert.deepEqual(a.ends.map((p) => p.code), ["unreachable"]);
  assert.deepEqual(b.ends, []);
  b.peer.gone();
  await settle();
  assert.deepEqual(doubts, [], "it had worked");
  await opened(wt);
  assert.equal(Peer.made.length, 2, "a session that is over is not used again");
});

test("a feed left for its silence takes the session with it", async () => {
  const wt = wire();
  const a = await opened(wt);
  await opened(wt);
  a.line.close(true);
  assert.equal(a.peer.closedByPage, true);
  assert.deepEqual(doubts, [""]);
  await opened(wt);
  assert.equal(Peer.made.length, 2);
});

test("a ticket that is refused ends the feed with the reason", async () => {
  const { ends } = await opened(wire(), { ticket: () => Promise.reject(new Problem("unauthenticated", "Sign in.", 401)) });
  assert.deepEqual(ends.map((p) => p.code), ["unauthenticated"]);
});

test("one left before the session is there opens no stream", async () => {
  const wt = wire();
  const f = follow(wt);
  await settle();
  f.line.close();
  assert.equal(Peer.made[0].closedByPage, true);
  Peer.made[0].accept();
  await settle();
  assert.equal(Peer.made[0].streams.length, 0);
});

test("before a session has brought too much its feeds move to another, and then it ends", async () => {
  const wt = wire({ datagrams: true, rotation: { bytes: 1000, streams: 100 } });
  const a = await opened(wt);
  const b = await opened(wt);
  await a.stream.say('{"ping":true}' + " ".repeat(600) + "\n");
  await settle();
  assert.deepEqual([a.heard.renewed, b.heard.renewed], [0, 0]);
  await b.stream.say('{"ping":true}' + " ".repeat(600) + "\n");
  await settle();
  assert.deepEqual([a.heard.renewed, b.heard.renewed], [1, 1]);
  const next = await opened(wt);
  assert.equal(Peer.made.length, 2);
  await a.stream.say('{"live":true}\n');
  await settle();
  assert.deepEqual(a.frames[1], { live: true }, "the old goes on until it is left");
  assert.equal(a.heard.renewed, 1);
  a.line.close();
  b.line.close();
  assert.equal(a.peer.closedByPage, true);
  assert.equal(next.peer.closedByPage, false);
  assert.equal((await opened(wt)).peer, next.peer);
});

test("of so many streams a session is left as well", async () => {
  const wt = wire({ datagrams: true, rotation: { bytes: 1 << 20, streams: 3 } });
  const a = await opened(wt);
  for (let i = 0; i < 2; i++) {
    assert.equal(a.heard.renewed, 0);
    (await opened(wt)).line.close();
  }
  assert.equal(a.heard.renewed, 1);
  await opened(wt);
  assert.equal(Peer.made.length, 2);
  assert.equal(a.peer.closedByPage, false);
});

test("a session beats as its most attentive feed does, with what a restarted hub answers", async () => {
  const wt = wire();
  const beats = async (ms: number): Promise<number> => {
    const before = peer.heartbeats.length;
    for (let t = 0; t < ms; t += 500) {
      time.pass(500);
      await settle();
    }
    return peer.heartbeats.length - before;
  };
  const idle = await opened(wt, { pace: "idle" });
  const { peer } = idle;
  assert.equal(await beats(60000), 3);
  const attentive = await opened(wt);
  assert.equal(await beats(10000), 10);
  attentive.line.pace("idle");
  assert.equal(await beats(20000), 1);
  idle.line.pace("attentive");
  assert.equal(await beats(10000), 10);
  idle.line.close();
  assert.equal(await beats(20000), 1);
  const before = peer.heartbeats.length;
  attentive.line.kick();
  await settle();
  assert.equal(peer.heartbeats.length, before + 1);
  assert.ok(peer.heartbeats.every((bytes) => bytes >= 20));
  attentive.line.close();
  assert.equal(await beats(60000), 0);
});

test("where datagrams are not to be sent a beat is a line, and one that the browser does not take is not queued", async () => {
  const { stream, peer } = await opened(wire({ datagrams: false }));
  time.pass(2000);
  await settle();
  assert.deepEqual(stream.lines.slice(1).map((l) => JSON.parse(l)), [{ ping: true }, { ping: true }]);
  assert.deepEqual(peer.heartbeats, []);

  const stuck = follow(wire());
  await settle();
  const other = Peer.made[1];
  let asked = 0;
  other.datagrams = { writable: new WritableStream({ write: () => new Promise(() => asked++) }) };
  other.accept();
  await settle();
  for (let i = 0; i < 10; i++) {
    stuck.line.kick();
    await settle();
  }
  assert.equal(asked, 1);
});

test("a pause in a lively feed has the session beat at once", async () => {
  const { stream, peer } = await opened(wire());
  for (let i = 0; i < 60; i++) {
    time.pass(20);
    await stream.say('{"ping":true}\n');
    await settle();
  }
  const before = peer.heartbeats.length;
  time.pass(100);
  await settle();
  assert.equal(peer.heartbeats.length, before + 1);
});

test("what was there before a doubt is left for another session, and goes on until it is", async () => {
  const wt = wire();
  const old = await opened(wt);
  assert.equal(wt.shares("", time.now()), false);
  time.pass(10);
  const since = time.now();
  assert.equal(wt.shares("", since), true);
  const asIs = await opened(wt);
  assert.equal(asIs.peer, old.peer);
  const fresh = await opened(wt, { since });
  assert.notEqual(fresh.peer, old.peer);
  assert.equal(old.peer.closedByPage, false);
  assert.equal((await opened(wt, { since })).peer, fresh.peer);
  old.line.close();
  asIs.line.close();
  assert.equal(old.peer.closedByPage, true);
  assert.deepEqual(doubts, []);
});
