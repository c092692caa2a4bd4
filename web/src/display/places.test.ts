import assert from "node:assert/strict";
import { test } from "node:test";
import { pack, place, share, type Box, type Places, type Room } from "./places";

/** Tickets of a third of a column, unless said otherwise. */
function boxes(names: string, height = 30): Box[] {
  return names.split("").map((key) => ({ key, height }));
}

const room = (from: number, to: number): Room => ({ from, to, height: 100, gap: 5 });

/** Places as columns of "name@top". */
function drawn(p: Places): string {
  const columns: string[][] = [];
  for (const k of Object.keys(p).sort((a, b) => p[a].top - p[b].top)) {
    (columns[p[k].column] = columns[p[k].column] || []).push(k + "@" + p[k].top);
  }
  return Array.from(columns, (c) => (c || []).join(" ")).join(" | ");
}

test("columns fill one after the other, and none is cut", () => {
  assert.equal(drawn(place(boxes("abcde"), room(0, 2), {})), "a@0 b@35 c@70 | d@0 e@35");
  assert.equal(pack(boxes("abcdefgh"), room(0, 2)).length, 6);
  assert.equal(pack(boxes("abcd", 49), room(1, 2)).length, 1);
  assert.equal(pack(boxes("a", 101), room(0, 2)).length, 0);
  assert.equal(pack(boxes("a"), room(1, 1)).length, 0);
});

test("nobody overtakes: what waits is younger than all that is shown", () => {
  const mixed = [...boxes("ab", 40), ...boxes("c", 60), ...boxes("d", 10)];
  assert.equal(pack(mixed, room(0, 1)).length, 2);
});

test("a ticket keeps its place until it leaves", () => {
  const p = place(boxes("abcd"), room(0, 2), {});
  assert.equal(drawn(place(boxes("bcd"), room(0, 2), p)), "b@35 c@70 | d@0");
  assert.equal(drawn(place(boxes("bcde"), room(0, 2), p)), "b@35 c@70 | d@0 e@35");
});

test("a gap is filled when there is no room below", () => {
  const p = place(boxes("abcdef"), room(0, 2), {});
  assert.equal(drawn(place(boxes("acdefg"), room(0, 2), p)), "a@0 g@35 c@70 | d@0 e@35 f@70");
  assert.equal(drawn(place(boxes("bcdefgh"), room(0, 2), p)), "g@0 b@35 c@70 | d@0 e@35 f@70", "of two that wait the older");
});

test("a column that came free is closed", () => {
  const p = place(boxes("abcde"), room(0, 2), {});
  assert.equal(drawn(place(boxes("de"), room(0, 2), p)), "d@0 e@35");
  assert.equal(drawn(place(boxes("abc"), room(0, 2), p)), "a@0 b@35 c@70");
});

test("all are packed anew when gaps would keep one off the wall", () => {
  const p = place([...boxes("ab", 30), ...boxes("c", 20)], room(0, 1), {});
  const after = [...boxes("b", 30), ...boxes("c", 20), ...boxes("d", 36)];
  assert.equal(drawn(place(after, room(0, 1), p)), "b@0 c@35 d@60");
});

test("tickets of a column that was given away move", () => {
  const p = place(boxes("abcd"), room(1, 3), {});
  assert.equal(drawn(p), " | a@0 b@35 c@70 | d@0");
  assert.equal(drawn(place(boxes("d"), room(2, 3), p)), " |  | d@0");
  assert.equal(drawn(place(boxes("bd"), room(2, 3), p)), " |  | b@0 d@35");
});

test("a column gained on the left takes the oldest, not the newest", () => {
  const p = place(boxes("abc"), room(2, 3), {});
  assert.equal(drawn(place(boxes("abcd"), room(1, 3), p)), " | a@0 b@35 c@70 | d@0");
});

test("one that grew moves what it would cover", () => {
  const p = place(boxes("ab"), room(0, 1), {});
  assert.equal(drawn(place([...boxes("a", 40), ...boxes("b")], room(0, 1), p)), "a@0 b@45");
});

test("what is shown does not depend on what was shown before", () => {
  let seed = 7;
  const random = (n: number): number => (seed = (seed * 48271) % 2147483647) % n;
  let open: Box[] = [];
  let before: Places = {};
  for (let i = 0; i < 2000; i++) {
    open = open.filter(() => random(4) > 0);
    for (let n = random(4); n > 0; n--) {
      open.push({ key: "k" + i + "." + n, height: 18 + random(40) });
    }
    const r = room(0, 1 + random(3));
    before = place(open, r, before);
    const fresh = place(open, r, {});
    assert.deepEqual(Object.keys(before), Object.keys(fresh));
    const all = open.filter((b) => before[b.key]).map((b) => ({ ...before[b.key], end: before[b.key].top + b.height }));
    for (const a of all) {
      assert.ok(a.top >= 0 && a.end <= 100.5 && a.column >= r.from && a.column < r.to, "one is cut");
      assert.ok(!all.some((b) => b !== a && b.column === a.column && a.top < b.end && b.top < a.end), "two overlap");
    }
  }
});

test("columns go to the lane that needs them", () => {
  const of = (a: string, b: string, now = 0): number => share(boxes(a), boxes(b), 3, 100, 5, now);
  assert.equal(of("", ""), 1);
  assert.equal(of("abc", "def"), 1);
  assert.equal(of("abcd", "ef"), 2);
  assert.equal(of("abcdefgh", "x"), 2);
  assert.equal(of("abcdefgh", ""), 3, "an empty lane gives its last column");
  assert.equal(of("", "abcdefgh"), 0);
  assert.equal(of("abcd", "uvwxyz"), 1, "what hands are on comes first");
});

test("columns change hands only in need", () => {
  const of = (a: string, b: string, now: number): number => share(boxes(a), boxes(b), 3, 100, 5, now);
  assert.equal(of("a", "bcd", 2), 2);
  assert.equal(of("a", "bcde", 2), 1);
  assert.equal(of("abcdef", "", 3), 2, "the empty lane has its head again");
  assert.equal(of("abcdef", "", 2), 2);
  assert.equal(of("abcdefghi", "uvwxyz", 2), of("abcdefghi", "uvwxyz", 1), "who waits does not hang on what was");
});
