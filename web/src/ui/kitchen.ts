import type { Order } from "../cafe";

/** The patience of a house without promised times, for drinks. */
export const cautionMs = 3 * 60000;
export const lateMs = 6 * 60000;
/** From here on a new ticket says when it will expire. */
const warnMs = 60000;

export type Age = "fresh" | "caution" | "late";

/** How old an order is, at most 1 of what it may be. */
export function ageOf(o: Order, now: number): { ms: number; part: number; age: Age } {
  const ms = Math.max(0, now - Date.parse(o.placed_at));
  return { ms, part: Math.min(1, ms / lateMs), age: ms >= lateMs ? "late" : ms >= cautionMs ? "caution" : "fresh" };
}

/** How long until the clock cancels it, when that is near; else 0. */
export function expiresIn(o: Order, now: number): number {
  if (o.status !== "placed" || !o.accept_by) {
    return 0;
  }
  const left = Date.parse(o.accept_by) - now;
  return left <= warnMs ? Math.max(1, left) : 0;
}

export interface Lanes {
  new: Order[];
  making: Order[];
  ready: Order[];
}

/** Sorts open orders into lanes, the oldest first, so that none is passed over. */
export function lanes(orders: Order[]): Lanes {
  const by = (...s: string[]): Order[] => orders.filter((o) => s.indexOf(o.status) >= 0).sort(oldestFirst);
  return { new: by("placed"), making: by("accepted", "preparing"), ready: by("ready") };
}

function oldestFirst(a: Order, b: Order): number {
  return a.placed_at < b.placed_at ? -1 : a.placed_at > b.placed_at ? 1 : a.number - b.number;
}

/**
 * What can be made together: the same drink with the same milk, and only what
 * there is more than one of.
 */
export function batches(orders: Order[], most: number): { name: string; count: number }[] {
  const sums: { [name: string]: number } = {};
  for (const o of orders) {
    for (const l of o.items) {
      const milk = (l.options || []).filter((c) => !c.default && /milk/.test(c.id)).map((c) => c.name.replace(/ milk$/i, "").toLowerCase());
      const name = [l.name, ...milk].join(", ");
      sums[name] = (sums[name] || 0) + l.quantity;
    }
  }
  return Object.keys(sums)
    .map((name) => ({ name, count: sums[name] }))
    .filter((b) => b.count > 1)
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
    .slice(0, most);
}

/**
 * Gives entries places that they keep until they leave: nobody's number jumps
 * while it is being looked for. Places are packed when there are too many.
 */
export function slots(before: string[], keys: string[], places: number): string[] {
  const out = before.slice(0, places).map((k) => (keys.indexOf(k) >= 0 ? k : ""));
  for (const k of keys) {
    if (out.indexOf(k) < 0) {
      const free = out.indexOf("");
      if (free >= 0) {
        out[free] = k;
      } else {
        out.push(k);
      }
    }
  }
  while (out.length > 0 && out[out.length - 1] === "") {
    out.pop();
  }
  return out.length > places ? out.filter((k) => k !== "") : out;
}
