import assert from "node:assert/strict";
import { test } from "node:test";
import type { Order } from "../cafe";
import { ageOf, batches, expiresIn, lanes, slots } from "./kitchen";
import { age, departures, isAllergy } from "./words";

const noon = Date.parse("2026-11-22T12:00:00.000Z");
const at = (ms: number): string => new Date(noon + ms).toISOString();

function order(number: number, more: Partial<Order> = {}): Order {
  const eur = { amount: 0, currency: "EUR" };
  return {
    id: "o" + number,
    number,
    status: "placed",
    customer: "c",
    items: [{ item: "flat-white", name: "Flat white", quantity: 1, unit: eur, total: eur }],
    total: eur,
    placed_at: at(number * 1000),
    ...more,
  };
}

test("lanes hold the oldest first and nothing that has ended", () => {
  const l = lanes([order(3), order(1), order(2, { status: "preparing" }), order(4, { status: "accepted" }), order(5, { status: "ready" }), order(6, { status: "cancelled" })]);
  assert.deepEqual(l.new.map((o) => o.number), [1, 3]);
  assert.deepEqual(l.making.map((o) => o.number), [2, 4]);
  assert.deepEqual(l.ready.map((o) => o.number), [5]);
});

test("a ticket ages from fresh over caution to late", () => {
  const o = order(0);
  assert.equal(ageOf(o, noon + 179_000).age, "fresh");
  assert.equal(ageOf(o, noon + 180_000).age, "caution");
  assert.deepEqual(ageOf(o, noon + 400_000), { ms: 400_000, part: 1, age: "late" });
  assert.equal(ageOf(o, noon - 5000).ms, 0);
});

test("a new ticket says when it will expire, in its last minute", () => {
  const o = order(0, { accept_by: at(300_000) });
  assert.equal(expiresIn(o, noon + 239_000), 0);
  assert.equal(expiresIn(o, noon + 241_000), 59_000);
  assert.equal(expiresIn({ ...o, status: "accepted" }, noon + 299_000), 0);
});

test("batches are of the same drink with the same milk", () => {
  const eur = { amount: 0, currency: "EUR" };
  const line = (name: string, quantity: number, milk?: string) => ({
    item: name,
    name,
    quantity,
    unit: eur,
    total: eur,
    options: milk ? [{ id: milk + "-milk", name: milk + " milk" }] : [{ id: "whole-milk", name: "Whole milk", default: true }],
  });
  const got = batches([order(1, { items: [line("Flat white", 2, "Oat"), line("Latte", 1)] }), order(2, { items: [line("Flat white", 1, "Oat"), line("Flat white", 1)] })], 6);
  assert.deepEqual(got, [{ name: "Flat white, oat", count: 3 }]);
});

test("entries keep their places until they leave", () => {
  assert.deepEqual(slots([], ["a", "b"], 6), ["a", "b"]);
  assert.deepEqual(slots(["a", "b", "c"], ["a", "c"], 6), ["a", "", "c"]);
  assert.deepEqual(slots(["a", "", "c"], ["a", "c", "d"], 6), ["a", "d", "c"]);
  assert.deepEqual(slots(["a", "", ""], ["a"], 6), ["a"]);
  assert.deepEqual(slots(["", "b"], ["b", "c", "d"], 3), ["c", "b", "d"]);
  for (const places of [1, 2, 3]) {
    const keys = ["a", "b", "c"].slice(0, places);
    assert.ok(slots(["x", "b", "y"], keys, places).length <= Math.max(places, 3));
    assert.deepEqual(slots(["x", "b", "y"], keys, places).filter(Boolean).sort(), keys);
  }
});

test("ages are to the second while it matters", () => {
  assert.equal(age(0), "0:00");
  assert.equal(age(65_900), "1:05");
  assert.equal(age(600_000), "10 min");
});

test("only departures are written on a ticket", () => {
  const eur = { amount: 0, currency: "EUR" };
  assert.deepEqual(
    departures({
      item: "latte",
      name: "Latte",
      quantity: 1,
      unit: eur,
      total: eur,
      size: { id: "large", name: "Large" },
      options: [{ id: "house", name: "House blend", default: true }, { id: "oat", name: "Oat milk" }],
    }),
    ["Large", "+ Oat milk"],
  );
});

test("a note about an allergy is told from others", () => {
  assert.equal(isAllergy("NUT ALLERGY!"), true);
  assert.equal(isAllergy("lactose intolerant"), true);
  assert.equal(isAllergy("extra hot"), false);
  assert.equal(isAllergy(undefined), false);
});
