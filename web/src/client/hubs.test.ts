import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeTime } from "./fake";
import { Hubs, type HubInfo } from "./hubs";
import { Memory } from "./memory";

const hour = 60 * 60000;

function hubs(time: FakeTime, ends: number) {
  let asked = 0;
  let v: unknown = null;
  const answer = (): HubInfo => ({ certificate_hashes: [{ algorithm: "sha-256", value: "n" + ++asked, until: new Date(time.now() + ends).toISOString() }] });
  const h = new Hubs(() => Promise.resolve(answer()), new Memory({ read: () => v, write: (x) => (v = x) }), time);
  const value = async (): Promise<string> => (await h.of(""))[0].value;
  return { h, value };
}

test("hashes are read once, by all who ask, and again after an hour", async () => {
  const time = new FakeTime();
  const { value } = hubs(time, 1000 * hour);
  assert.deepEqual(await Promise.all([value(), value()]), ["n1", "n1"]);
  time.pass(hour - 1);
  assert.equal(await value(), "n1");
  time.pass(1);
  assert.equal(await value(), "n2");
});

test("hashes are read again after a failure, and when they are near their end", async () => {
  const time = new FakeTime();
  const { h, value } = hubs(time, hour + 1000);
  assert.equal(await value(), "n1");
  h.doubt("");
  assert.equal(await value(), "n2");
  time.pass(999);
  assert.equal(await value(), "n2");
  time.pass(1);
  assert.equal(await value(), "n3");
});

test("a hub that does not answer is waited for five seconds", async () => {
  const time = new FakeTime();
  const h = new Hubs(() => new Promise(() => {}), new Memory({ read: () => null, write: () => {} }), time);
  const gone = assert.rejects(h.of(""), { code: "unreachable" });
  time.pass(5000);
  await gone;
});

test("what another program left in the store does no harm", () => {
  for (const v of [null, 7, "x", [1], { "": null }]) {
    const m = new Memory({ read: () => v, write: () => {} });
    assert.deepEqual(m.of(""), {});
  }
});

test("a device remembers a bounded number of hubs", () => {
  let kept = {};
  const m = new Memory({ read: () => null, write: (v) => (kept = v as object) });
  for (let i = 0; i < 100; i++) {
    m.put("https://pi-" + i, { wire: "ws" });
  }
  assert.ok(Object.keys(kept).length <= 16);
  assert.equal(m.of("https://pi-99").wire, "ws");
});
