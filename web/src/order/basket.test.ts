import assert from "node:assert/strict";
import { test } from "node:test";
import type { Item } from "../cafe";
import { allergensOf, allergenWords, asItComes, missing, put, request, unitPrice, wishWords, type Wish } from "./basket";

const choice = (id: string, extra: number, more = {}) => ({ id, name: id, extra, available: true, ...more });

const latte: Item = {
  id: "latte",
  name: "Latte",
  category: "Coffee",
  position: 1,
  price: { amount: 380, currency: "EUR" },
  sizes: [choice("regular", 0), choice("large", 50)],
  options: [
    {
      id: "milk",
      name: "Milk",
      most: 1,
      default: "whole",
      choices: [choice("whole", 0, { allergens: ["milk"] }), choice("oat", 50, { allergens: ["gluten"], frees: ["milk"] })],
    },
    { id: "extras", name: "Extras", most: 2, choices: [choice("shot", 80), choice("caramel", 50, { allergens: ["milk"] })] },
  ],
  allergens: ["milk"],
  available: true,
};

const oatLarge: Wish = { item: "latte", size: "large", options: { milk: ["oat"], extras: ["shot"] }, quantity: 1 };

test("a wish as it comes has the first size and the defaults", () => {
  assert.deepEqual(asItComes(latte), { item: "latte", size: "regular", options: { milk: ["whole"] }, quantity: 1 });
});

test("price and words follow what was chosen", () => {
  assert.equal(unitPrice(latte, asItComes(latte)), 380);
  assert.equal(unitPrice(latte, oatLarge), 560);
  assert.deepEqual(wishWords(latte, asItComes(latte)), []);
  assert.deepEqual(wishWords(latte, oatLarge), ["large", "oat", "shot"]);
});

test("allergens follow the milk, and what another choice brings back stays", () => {
  assert.deepEqual(allergensOf(latte, asItComes(latte)), ["milk"]);
  assert.deepEqual(allergensOf(latte, oatLarge), ["gluten"]);
  assert.deepEqual(allergensOf(latte, { ...oatLarge, options: { milk: ["oat"], extras: ["caramel"] } }), ["gluten", "milk"]);
  assert.equal(allergensOf({ ...latte, allergens: undefined }, oatLarge), undefined);
});

test("not stated is not none", () => {
  assert.match(allergenWords(undefined), /not stated/);
  assert.match(allergenWords([]), /None/);
  assert.equal(allergenWords(["gluten", "milk"]), "Contains gluten, milk");
});

test("what cannot be had is said by name", () => {
  assert.equal(missing(latte, oatLarge), "");
  assert.equal(missing(undefined, oatLarge), "No longer on the menu");
  assert.equal(missing({ ...latte, available: false }, oatLarge), "Latte is sold out");
  assert.equal(missing({ ...latte, remaining: 1 }, { ...oatLarge, quantity: 2 }), "Only 1 left");
  const noOat = structuredClone(latte);
  noOat.options![0].choices[1].available = false;
  assert.equal(missing(noOat, oatLarge), "oat is sold out");
  assert.equal(missing(noOat, asItComes(latte)), "");
});

test("the same wish twice is one line, another is another", () => {
  let w = put([], asItComes(latte));
  w = put(w, asItComes(latte));
  w = put(w, oatLarge);
  assert.deepEqual(w.map((l) => l.quantity), [2, 1]);
  w = put(w, { ...oatLarge, quantity: 30 });
  assert.equal(w[1].quantity, 20);
});

test("a request has only what there is", () => {
  assert.deepEqual(request([{ item: "water", size: "", options: {}, quantity: 2 }, oatLarge]), [
    { item: "water", quantity: 2 },
    { item: "latte", size: "large", options: ["oat", "shot"], quantity: 1 },
  ]);
});
