import assert from "node:assert/strict";
import { test } from "node:test";
import { Lines, parseFrame } from "./frame";

test("lines come whole, however they are cut", () => {
  const text = '{"ping":true}\n{"topic":"board","key":"1"}\n\n{"live":true}\n';
  for (let size = 1; size < text.length; size++) {
    const lines = new Lines();
    const got: string[] = [];
    for (let i = 0; i < text.length; i += size) {
      got.push(...lines.push(text.slice(i, i + size)));
    }
    assert.deepEqual(got, ['{"ping":true}', '{"topic":"board","key":"1"}', '{"live":true}']);
  }
});

test("an endless line ends the stream", () => {
  const lines = new Lines(10);
  assert.throws(() => lines.push("x".repeat(11)));
});

test("what is no frame is null", () => {
  assert.equal(parseFrame("{"), null);
  assert.equal(parseFrame("7"), null);
  assert.equal(parseFrame("null"), null);
  assert.deepEqual(parseFrame('{"live":true}'), { live: true });
});
