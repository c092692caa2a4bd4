import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeTime } from "./fake";
import { Proof } from "./proof";

function proof() {
  const time = new FakeTime();
  const opened = time.now();
  const heard = { late: 0 };
  const p = new Proof(time, () => heard.late++);
  time.pass(5000);
  return { time, opened, heard, p };
}

test("without a doubt whatever comes will do", () => {
  const { p, opened } = proof();
  assert.equal(p.take(opened), true);
});

test("what had come before the doubt proves nothing, what comes after a moment or over something new does", () => {
  const { p, opened, time } = proof();
  const since = p.doubt();
  assert.equal(p.take(opened), false);
  assert.equal(p.take(since), true);
  time.pass(100);
  assert.equal(p.take(opened), false);
  time.pass(1);
  assert.equal(p.take(opened), true);
});

test("a proof that is asked for is late after a moment, once, unless it came or does not matter any more", () => {
  const { p, opened, time, heard } = proof();
  p.await();
  assert.equal(p.take(opened), false);
  time.pass(299);
  assert.equal(heard.late, 0);
  time.pass(1000);
  assert.equal(heard.late, 1);
  assert.equal(p.take(p.await()), true);
  time.pass(1000);
  p.await();
  p.cancel();
  time.pass(1000);
  p.await();
  p.doubt();
  time.pass(1000);
  assert.equal(heard.late, 1);
});
