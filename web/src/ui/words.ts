import type { Line, Money, Order, Status } from "../cafe";
import type { WireName } from "../client/wire";

export const statusWords: { [s in Status]: string } = {
  placed: "New",
  accepted: "Accepted",
  preparing: "Being made",
  ready: "Ready",
  picked_up: "Picked up",
  declined: "Declined",
  cancelled: "Cancelled",
};

/** What strangers read of an open order that is not ready. */
export const boardWords: { [s in Status]?: string } = {
  placed: "In line",
  accepted: "Next",
  preparing: "Being made",
};

/** What a customer reads. */
export const customerWords: { [s in Status]: string } = {
  placed: "Sent to the café",
  accepted: "Accepted",
  preparing: "Being made",
  ready: "Ready at the counter",
  picked_up: "Picked up. Enjoy!",
  declined: "The café could not take this order",
  cancelled: "Cancelled",
};

const reasons: { [r: string]: string } = {
  sold_out: "Something in it is sold out.",
  closing: "The café is closing.",
  other: "Please ask at the counter.",
  customer: "You cancelled it.",
  not_accepted: "Nobody could take it in time.",
  not_picked_up: "It was not picked up in time.",
};

export function reasonWords(reason: string | undefined): string {
  return (reason && reasons[reason]) || "";
}

export function money(m: Money, locale?: string): string {
  try {
    const f = new Intl.NumberFormat(locale, { style: "currency", currency: m.currency });
    return f.format(m.amount / Math.pow(10, f.resolvedOptions().maximumFractionDigits || 0));
  } catch (e) {
    return (m.amount / 100).toFixed(2) + " " + m.currency;
  }
}

/** An extra as a sign and an amount; empty for none. */
export function extra(amount: number, currency: string, locale?: string): string {
  if (amount === 0) {
    return "";
  }
  return (amount > 0 ? "+" : "−") + money({ amount: Math.abs(amount), currency }, locale);
}

export function two(n: number): string {
  return n < 10 ? "0" + n : String(n);
}

/** A time of day in the place of the screen. */
export function clock(ms: number, seconds = false): string {
  if (!ms) {
    return seconds ? "--:--:--" : "--:--";
  }
  const d = new Date(ms);
  return two(d.getHours()) + ":" + two(d.getMinutes()) + (seconds ? ":" + two(d.getSeconds()) : "");
}

/** An age: to the second while it matters, then in minutes. */
export function age(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  return s < 600 ? Math.floor(s / 60) + ":" + two(s % 60) : Math.floor(s / 60) + " min";
}

/** How many, as a word and number: "1 order", "2 orders". */
export function count(n: number, one: string, many = one + "s"): string {
  return n + " " + (n === 1 ? one : many);
}

/** What differs from the item as it comes: what whoever makes it must not miss. */
export function departures(l: Line): string[] {
  const out: string[] = [];
  if (l.size && !l.size.default) {
    out.push(l.size.name);
  }
  for (const o of l.options || []) {
    if (!o.default) {
      out.push("+ " + o.name);
    }
  }
  return out;
}

/** A line in words: "2 × Latte, Large, oat milk". */
export function lineWords(l: Line): string {
  const rest = departures(l).map((d) => d.replace(/^\+ /, "").toLowerCase());
  return (l.quantity > 1 ? l.quantity + " × " : "") + [l.name, ...rest].join(", ");
}

/** Whether a note must be read before anything is made. */
export function isAllergy(note: string | undefined): boolean {
  return /allerg|intoleran|anaphyla|coeliac|celiac/i.test(note || "");
}

/** When an order came to its status, in ms since 1970. */
export function since(o: Order): number {
  const at = o.status === "placed" ? o.placed_at : o.status === "accepted" ? o.accepted_at : o.status === "preparing" ? o.started_at : o.status === "ready" ? o.ready_at : o.ended_at;
  return Date.parse(at || o.placed_at);
}

export const wireWords: { [w in WireName]: string } = { wt: "WebTransport", ws: "WebSocket", sse: "SSE", ndjson: "NDJSON" };

/** How long ago, roughly: "3 s ago". */
export function ago(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  return (s < 60 ? s + " s" : s < 3600 ? Math.floor(s / 60) + " min" : Math.floor(s / 3600) + " h") + " ago";
}
