import type { Choice, Item } from "../cafe";

/** A wish for one line of an order. */
export interface Wish {
  item: string;
  size: string;
  /** Chosen options by group; a group without a choice is absent. */
  options: { [group: string]: string[] };
  quantity: number;
}

/** The most of one line; the hub refuses more. */
export const mostOfOne = 20;

/** A wish for an item as it comes. */
export function asItComes(i: Item): Wish {
  const options: { [group: string]: string[] } = {};
  for (const g of i.options || []) {
    if (g.default) {
      options[g.id] = [g.default];
    }
  }
  return { item: i.id, size: (i.sizes && i.sizes[0] && i.sizes[0].id) || "", options, quantity: 1 };
}

/** The choices of a wish that the item still has. */
function chosen(i: Item, w: Wish): Choice[] {
  const out = (i.sizes || []).filter((s) => s.id === w.size);
  for (const g of i.options || []) {
    out.push(...g.choices.filter((c) => (w.options[g.id] || []).includes(c.id)));
  }
  return out;
}

/** What one of it costs, in minor units. The hub has the last word. */
export function unitPrice(i: Item, w: Wish): number {
  return chosen(i, w).reduce((sum, c) => sum + c.extra, i.price.amount);
}

/**
 * What it contains with what was chosen: undefined when that is not stated,
 * which differs from nothing.
 */
export function allergensOf(i: Item, w: Wish): string[] | undefined {
  if (!i.allergens) {
    return undefined;
  }
  const cs = chosen(i, w);
  const freed = cs.flatMap((c) => c.frees || []);
  const all = i.allergens.filter((a) => !freed.includes(a)).concat(cs.flatMap((c) => c.allergens || []));
  return [...new Set(all)].sort();
}

/** The names of what was chosen other than as it comes. */
export function wishWords(i: Item, w: Wish): string[] {
  const out: string[] = [];
  const size = (i.sizes || []).find((s) => s.id === w.size);
  if (size && i.sizes && i.sizes[0].id !== size.id) {
    out.push(size.name);
  }
  for (const g of i.options || []) {
    for (const c of g.choices) {
      if ((w.options[g.id] || []).includes(c.id) && c.id !== g.default) {
        out.push(c.name);
      }
    }
  }
  return out;
}

/** Why a wish cannot be had now; empty when it can. */
export function missing(i: Item | undefined, w: Wish): string {
  if (!i) {
    return "No longer on the menu";
  }
  if (!i.available) {
    return i.name + " is sold out";
  }
  if (i.remaining !== undefined && i.remaining < w.quantity) {
    return i.remaining === 0 ? i.name + " is sold out" : "Only " + i.remaining + " left";
  }
  const out = chosen(i, w).find((c) => !c.available);
  return out ? out.name + " is sold out" : "";
}

/** Adds a wish, joining it with one that is the same. */
export function put(wishes: Wish[], w: Wish): Wish[] {
  const same = (a: Wish): boolean => a.item === w.item && a.size === w.size && JSON.stringify(a.options) === JSON.stringify(w.options);
  const at = wishes.findIndex(same);
  if (at < 0) {
    return [...wishes, w];
  }
  return wishes.map((a, i) => (i === at ? { ...a, quantity: Math.min(mostOfOne, a.quantity + w.quantity) } : a));
}

/** The lines of POST /v1/orders. */
export function request(wishes: Wish[]): { item: string; size?: string; options?: string[]; quantity: number }[] {
  return wishes.map((w) => {
    const options = Object.values(w.options).flat();
    return { item: w.item, ...(w.size ? { size: w.size } : {}), ...(options.length ? { options } : {}), quantity: w.quantity };
  });
}

const names: { [id: string]: string } = {
  sulphites: "sulphur dioxide and sulphites",
};

/** One line about allergens, with a difference between none and not stated. */
export function allergenWords(all: string[] | undefined): string {
  if (!all) {
    return "Allergens not stated: please ask";
  }
  return all.length ? "Contains " + all.map((a) => names[a] || a).join(", ") : "None of the 14 listed allergens";
}
