import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { Frame } from "./frame";
import type { Problem } from "./problem";
import type { Ask } from "./wire";
import { ws } from "./ws";

/** The hub's end of a WebSocket. */
class Peer {
  static made: Peer[] = [];
  readyState = 0;
  sent: string[] = [];
  onopen = (): void => {};
  onmessage = (_: { data: unknown }): void => {};
  onclose = (): void => {};

  constructor(readonly url: string) {
    Peer.made.push(this);
  }

  accept(): void {
    this.readyState = 1;
    this.onopen();
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.readyState = 3;
    this.onclose();
  }
}

const settle = () => new Promise<void>((done) => setImmediate(done));

beforeEach(() => {
  Peer.made = [];
  Object.assign(globalThis, { WebSocket: Peer, location: { origin: "https://pi-1:8443" } });
});

async function open(ask: Partial<Ask> = {}) {
  const frames: Frame[] = [];
  const ends: Problem[] = [];
  const line = ws.open({ hub: "", topics: "board@e.1,menu", pace: "idle", ...ask }, { frame: (f) => frames.push(f), stir: () => {}, renew: () => {}, end: (p) => ends.push(p) });
  await settle();
  return { line, frames, ends, peer: Peer.made[0] };
}

test("the first message asks, and each that comes is a frame", async () => {
  const { peer, frames } = await open();
  assert.equal(peer.url, "wss://pi-1:8443/v1/feed");
  assert.deepEqual(peer.sent, []);
  peer.accept();
  assert.deepEqual(peer.sent.map((s) => JSON.parse(s)), [{ topics: "board@e.1,menu", pace: "idle" }]);
  peer.onmessage({ data: '{"live":true,"cursor":"e.1"}' });
  assert.deepEqual(frames, [{ live: true, cursor: "e.1" }]);
});

test("a ticket goes to another hub, in the line, and is not fetched for this one's cookie", async () => {
  let fetched = 0;
  const ticket = () => Promise.resolve("t" + ++fetched);
  await open({ ticket });
  assert.equal(fetched, 0);
  Peer.made = [];
  const { peer } = await open({ hub: "https://pi-2:8443", ticket });
  peer.accept();
  assert.equal(peer.url, "wss://pi-2:8443/v1/feed");
  assert.equal(JSON.parse(peer.sent[0]).token, "t1");
});

test("a ticket that is refused ends the line with the reason", async () => {
  const why = new Error("no");
  const { ends } = await open({ hub: "https://pi-2:8443", ticket: () => Promise.reject(why) });
  assert.deepEqual(ends.map((p) => p.code), ["unreachable"]);
  assert.equal(Peer.made.length, 0);
});

test("another pace is a message, once there is somebody to send it to", async () => {
  const { peer, line } = await open();
  assert.equal(line.pace("attentive"), false);
  peer.accept();
  assert.equal(line.pace("attentive"), true);
  assert.deepEqual(JSON.parse(peer.sent[1]), { pace: "attentive" });
});

test("the end is told once, and not to one who left", async () => {
  const first = await open();
  first.peer.accept();
  first.peer.close();
  first.peer.close();
  assert.deepEqual(first.ends.map((p) => p.code), ["unreachable"]);
  Peer.made = [];
  const second = await open();
  second.peer.accept();
  second.line.close();
  second.peer.onmessage({ data: '{"live":true}' });
  assert.equal(second.peer.readyState, 3);
  assert.deepEqual([second.ends, second.frames], [[], []]);
});

test("one left while it opened closes when it is open, without a word", async () => {
  const { peer, line, ends } = await open();
  line.close();
  assert.equal(peer.readyState, 0);
  peer.accept();
  assert.equal(peer.readyState, 3);
  assert.deepEqual([peer.sent, ends], [[], []]);
});
