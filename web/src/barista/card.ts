import type { Order } from "../cafe";
import { el, fill, setAttr, setText } from "../ui/dom";
import { ageOf, expiresIn, lateMs } from "../ui/kitchen";
import { mark } from "../ui/mark";
import { age, departures, isAllergy, since, statusWords } from "../ui/words";

export interface CardActions {
  step(o: Order, step: string, body?: unknown): void;
  /** Opens or closes the question why an order is declined. */
  ask(o: Order, open: boolean): void;
  /** Whether a step of this order is on its way. */
  busy(o: Order): boolean;
  asking(o: Order): boolean;
}

/** The next step of each status, at the same place on every card. */
const next: { [status: string]: { step: string; word: string } } = {
  placed: { step: "accept", word: "Accept" },
  accepted: { step: "start", word: "Start" },
  preparing: { step: "ready", word: "Ready" },
  ready: { step: "pickup", word: "Picked up" },
};

export function card(): HTMLElement {
  return el("article", { class: "card" });
}

export function updateCard(e: HTMLElement, o: Order, now: number, act: CardActions): void {
  const version = JSON.stringify(o) + act.busy(o) + act.asking(o);
  if ((e as { version?: string }).version !== version) {
    (e as { version?: string }).version = version;
    const focus = e.contains(document.activeElement) ? (document.activeElement as HTMLElement).getAttribute("data-do") : null;
    build(e, o, act);
    if (focus) {
      (e.querySelector<HTMLElement>(`[data-do="${focus}"]`) || e.querySelector<HTMLElement>("button"))?.focus();
    }
  }
  const { ms, age: a } = ageOf(o, now);
  const expires = expiresIn(o, now);
  const ready = o.status === "ready";
  setAttr(e, "data-age", ready ? "" : a);
  const words = ready ? "ready for " + age(now - since(o)) : expires ? "expires in " + age(expires) : a === "late" ? "▲ +" + age(ms - lateMs) : age(ms);
  setText(e.querySelector(".card-age")!, words);
}

function build(e: HTMLElement, o: Order, act: CardActions): void {
  setAttr(e, "data-status", o.status);
  setAttr(e, "aria-label", "Order " + o.number + ", " + statusWords[o.status]);
  const allergy = isAllergy(o.note);
  fill(
    e,
    el(
      "header",
      { class: "card-head" },
      el("h3", { class: "card-number" }, String(o.number)),
      el("span", { class: "card-name" }, o.name || ""),
      el("span", { class: "card-status" }, mark(o.status), statusWords[o.status]),
      el("span", { class: "card-age" }),
    ),
    allergy ? el("p", { class: "card-allergy" }, "! " + o.note) : null,
    el(
      "ul",
      { class: "card-lines" },
      ...o.items.map((l) =>
        el(
          "li",
          {},
          el("span", { class: "card-item" }, (l.quantity > 1 ? l.quantity + " × " : "") + l.name),
          ...departures(l).map((d) => el("span", { class: "card-option" }, d)),
        ),
      ),
    ),
    o.note && !allergy ? el("p", { class: "card-note" }, "“" + o.note + "”") : null,
    act.asking(o) ? reasons(o, act) : steps(o, act),
  );
}

function steps(o: Order, act: CardActions): HTMLElement {
  const n = next[o.status];
  const busy = act.busy(o);
  const canDecline = o.status === "placed" || o.status === "accepted";
  return el(
    "footer",
    { class: "card-steps" },
    canDecline ? el("button", { class: "button", type: "button", "data-do": "decline", disabled: busy, onclick: () => act.ask(o, true) }, "Decline") : null,
    n ? el("button", { class: "button is-main card-main", type: "button", "data-do": "next", disabled: busy, onclick: () => act.step(o, n.step) }, busy ? "…" : n.word) : null,
  );
}

/** The second press of a decline says why. */
function reasons(o: Order, act: CardActions): HTMLElement {
  const reason = (code: string, word: string): HTMLElement => el("button", { class: "button", type: "button", "data-do": code, onclick: () => act.step(o, "decline", { reason: code }) }, word);
  return el(
    "footer",
    { class: "card-steps is-asking", role: "group", "aria-label": "Why is order " + o.number + " declined?" },
    reason("sold_out", "Sold out"),
    reason("closing", "Closing"),
    reason("other", "Other"),
    el("button", { class: "button is-quiet", type: "button", "data-do": "decline", onclick: () => act.ask(o, false) }, "Keep it"),
  );
}
