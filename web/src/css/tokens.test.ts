import assert from "node:assert/strict";
import { test } from "node:test";
import css from "./tokens.css";

type Tokens = { [name: string]: string };

function tokens(start: string): Tokens {
  const from = css.indexOf(start);
  assert.ok(from >= 0, start);
  const block = css.slice(css.indexOf("{", from), css.indexOf("}", from));
  const out: Tokens = {};
  for (const m of block.matchAll(/--([a-z-]+):\s*(#[0-9a-f]{6})/g)) {
    out[m[1]] = m[2];
  }
  return out;
}

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [hi, lo] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (hi + 0.05) / (lo + 0.05);
}

const light = tokens(":root {");
const dark = tokens('[data-theme="dark"] {');
const states = ["placed", "made", "ready", "late"];

for (const [theme, t] of [["light", light], ["dark", dark]] as const) {
  test(theme + ": every pair of ink and ground can be read", () => {
    const least = (ink: string, ground: string, ratio: number): void => {
      const got = contrast(t[ink], t[ground]);
      assert.ok(got >= ratio, `${ink} on ${ground}: ${got.toFixed(2)} < ${ratio}`);
    };
    for (const ground of ["bg", "surface", "sunk"]) {
      least("text", ground, 7);
      least("muted", ground, 4.5);
      least("line", ground, 3);
      least("focus", ground, 3);
      states.forEach((s) => least(s, ground, 4.5));
    }
    for (const s of states) {
      least("text", s + "-tint", 7);
      least("muted", s + "-tint", 4.5);
      least(s, s + "-tint", 4.5);
      least("on-fill", s, 4.5);
    }
    // Screens on walls are read from afar.
    least("muted", "bg", 7);
  });
}

test("the dark tokens are the same by choice and by preference", () => {
  assert.deepEqual(tokens(':root:not([data-theme]) {'), dark);
  assert.ok(Object.keys(dark).length >= 17);
});
