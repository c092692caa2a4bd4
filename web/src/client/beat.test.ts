import assert from "node:assert/strict";
import { test } from "node:test";
import { Beat } from "./beat";
import { FakeTime } from "./fake";

function beat(everyMs: number) {
  const time = new FakeTime();
  const start = time.now();
  const sent: number[] = [];
  const b = new Beat(time, () => sent.push(time.now() - start));
  b.pace(everyMs);
  /** Something comes again and again, this far apart. */
  const flow = (times: number, apart: number): void => {
    for (let i = 0; i < times; i++) {
      time.pass(apart);
      b.heard();
    }
  };
  return { time, b, sent, flow };
}

test("beats come at their pace, whatever is heard", () => {
  const { time, b, sent, flow } = beat(1000);
  time.pass(2500);
  assert.deepEqual(sent, [1000, 2000]);
  flow(2, 500);
  assert.deepEqual(sent, [1000, 2000, 3000]);
  b.pace(20000);
  time.pass(20000);
  assert.deepEqual(sent, [1000, 2000, 3000, 23500]);
});

test("what is sent in between puts off the next beat", () => {
  const { time, b, sent } = beat(1000);
  time.pass(900);
  b.now();
  time.pass(999);
  assert.deepEqual(sent, [900]);
  time.pass(1);
  assert.deepEqual(sent, [900, 1900]);
});

test("a pause in a lively flow is answered after a tenth of a second, and then ever later up to the pace", () => {
  const { time, sent, flow } = beat(20000);
  flow(100, 30);
  assert.deepEqual(sent, []);
  time.pass(99);
  assert.deepEqual(sent, []);
  time.pass(20000);
  const pauses = sent.map((at) => at - 3000);
  assert.deepEqual(pauses.slice(0, 4), [100, 200, 400, 800]);
  assert.equal(pauses.length, 8, "then the pace is as good");
});

test("a flow that goes on is not disturbed, and a second pause counts like the first", () => {
  const { time, sent, flow } = beat(20000);
  flow(100, 30);
  time.pass(150);
  assert.deepEqual(sent, [3100]);
  flow(50, 30);
  assert.equal(sent.length, 1);
  time.pass(150);
  assert.equal(sent.length, 2);
});

test("an even trickle has no pauses", () => {
  const { sent, flow } = beat(20000);
  flow(19, 1000);
  assert.deepEqual(sent, []);
  flow(10, 90);
  assert.deepEqual(sent, []);
});

test("one that was stopped sends nothing more", () => {
  const { time, b, sent, flow } = beat(1000);
  flow(30, 30);
  b.stop();
  time.pass(60000);
  flow(100, 30);
  time.pass(60000);
  assert.deepEqual(sent, []);
});
