import assert from "node:assert/strict";
import { test } from "node:test";
import { Intake, isBehind, Topics } from "./topics";

test("a snapshot shows when it is committed, not before", () => {
  const topics = new Topics(["board", "menu"]);
  const intake = new Intake(topics);
  assert.deepEqual(intake.take({ topic: "board", reset: true }), []);
  assert.deepEqual(intake.take({ topic: "board", key: "41", seq: 5, value: { number: 41 } }), []);
  assert.equal(topics.values("board").length, 0);
  assert.deepEqual(intake.take({ live: true, cursor: "e.9" }), ["board"]);
  assert.deepEqual(topics.values("board"), [{ number: 41 }]);
  assert.equal(topics.positions(), "board@e.9,menu@e.9");
});

test("an entry's cursor commits its topic only", () => {
  const topics = new Topics(["board", "menu"]);
  const intake = new Intake(topics);
  intake.take({ cursor: "e.1" });
  intake.take({ topic: "menu", key: "latte", seq: 2, value: 1 });
  assert.deepEqual(intake.take({ topic: "board", key: "41", seq: 2, value: 2, cursor: "e.2" }), ["board"]);
  assert.equal(topics.positions(), "board@e.2,menu@e.1");
  assert.equal(topics.get("menu", "latte"), undefined);
  assert.deepEqual(intake.take({ cursor: "e.2" }), ["menu"]);
  assert.equal(topics.get("menu", "latte"), 1);
});

test("a lost connection takes its uncommitted frames with it", () => {
  const topics = new Topics(["board"]);
  const first = new Intake(topics);
  first.take({ topic: "board", key: "41", seq: 2, value: "old", cursor: "e.2" });
  first.take({ topic: "board", reset: true });
  first.take({ topic: "board", key: "42", seq: 3, value: "half" });
  const second = new Intake(topics);
  assert.deepEqual(second.take({ ping: true, cursor: "e.2" }), []);
  assert.deepEqual(topics.values("board"), ["old"]);
});

test("repeats by seq are dropped, newer values are not", () => {
  const topics = new Topics(["board"]);
  const intake = new Intake(topics);
  intake.take({ topic: "board", key: "41", seq: 7, value: "new", cursor: "e.7" });
  assert.deepEqual(intake.take({ topic: "board", key: "41", seq: 7, value: "again", cursor: "e.7" }), []);
  assert.deepEqual(intake.take({ topic: "board", key: "41", seq: 6, value: "older", cursor: "e.7" }), []);
  assert.equal(topics.get("board", "41"), "new");
  assert.deepEqual(intake.take({ topic: "board", key: "41", seq: 8, value: "newer", cursor: "e.8" }), ["board"]);
  assert.equal(topics.get("board", "41"), "newer");
});

test("a tombstone removes, and an old one does not", () => {
  const topics = new Topics(["board"]);
  const intake = new Intake(topics);
  intake.take({ topic: "board", key: "41", seq: 7, value: "x", cursor: "e.7" });
  assert.deepEqual(intake.take({ topic: "board", key: "41", seq: 6, cursor: "e.7" }), []);
  assert.deepEqual(intake.take({ topic: "board", key: "41", seq: 9, cursor: "e.9" }), ["board"]);
  assert.equal(topics.entries("board").length, 0);
});

test("reset voids what was held, of any epoch", () => {
  const topics = new Topics(["board"]);
  const intake = new Intake(topics);
  intake.take({ topic: "board", key: "41", seq: 700, value: "x", cursor: "old.700" });
  intake.take({ topic: "board", reset: true });
  intake.take({ topic: "board", key: "1", seq: 3, value: "y" });
  assert.deepEqual(intake.take({ live: true, cursor: "new.3" }), ["board"]);
  assert.deepEqual(topics.values("board"), ["y"]);
  assert.equal(topics.positions(), "board@new.3");
});

test("a position never goes back within an epoch", () => {
  const topics = new Topics(["board"]);
  new Intake(topics).take({ ping: true, cursor: "e.9" });
  new Intake(topics).take({ ping: true, cursor: "e.8" });
  assert.equal(topics.positions(), "board@e.9");
  assert.equal(isBehind("e.9", "e.10"), true);
  assert.equal(isBehind("e.10", "e.9"), false);
  assert.equal(isBehind("f.1", "e.9"), false);
  assert.equal(isBehind("e.1", ""), false);
});
