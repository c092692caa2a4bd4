import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeTime } from "./fake";
import { Watchdog } from "./watchdog";

function watched() {
  const time = new FakeTime();
  const looks: boolean[] = [];
  const dog = new Watchdog(time, (slept) => looks.push(slept));
  dog.start();
  return { time, looks, dog };
}

test("it looks twice a second until it is stopped", () => {
  const { time, looks, dog } = watched();
  time.pass(2000);
  assert.deepEqual(looks, [false, false, false, false]);
  dog.stop();
  time.pass(2000);
  assert.equal(looks.length, 4);
});

test("it tells a page that slept from one whose timers are held back", () => {
  const { time, looks } = watched();
  time.sleep(1000); // hidden
  time.sleep(1999);
  time.sleep(3600000); // frozen
  time.pass(500);
  assert.deepEqual(looks, [false, false, true, false]);
});

test("who looks may stop it", () => {
  const time = new FakeTime();
  let looks = 0;
  const dog = new Watchdog(time, () => {
    looks++;
    dog.stop();
  });
  dog.start();
  time.pass(5000);
  assert.equal(looks, 1);
});
