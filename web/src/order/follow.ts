import type { Order, Status } from "../cafe";
import { el, fill, setAttr } from "../ui/dom";
import { mark } from "../ui/mark";
import { clock, customerWords, lineWords, money, reasonWords } from "../ui/words";

const steps: { status: Status; word: string; at: (o: Order) => string | undefined }[] = [
  { status: "placed", word: "Sent", at: (o) => o.placed_at },
  { status: "accepted", word: "Accepted", at: (o) => o.accepted_at },
  { status: "preparing", word: "Being made", at: (o) => o.started_at },
  { status: "ready", word: "Ready", at: (o) => o.ready_at },
];

/** One of the customer's own orders, from sent to picked up. */
export function orderCard(): HTMLElement {
  return el("article", { class: "mine" });
}

export function updateCard(e: HTMLElement, o: Order, cancel: (o: Order) => void, busy: boolean): void {
  const version = JSON.stringify(o) + busy;
  if ((e as { version?: string }).version === version) {
    return;
  }
  (e as { version?: string }).version = version;
  setAttr(e, "data-status", o.status);
  setAttr(e, "aria-label", "Order " + o.number);
  const over = o.status === "declined" || o.status === "cancelled";
  fill(
    e,
    el(
      "header",
      { class: "mine-head" },
      el("p", { class: "mine-number" }, el("span", { class: "mine-word" }, "Order"), String(o.number)),
      mark(o.status),
      el("p", { class: "mine-state" }, customerWords[o.status], over ? el("span", { class: "mine-why" }, reasonWords(o.reason)) : null),
    ),
    over ? null : el("ol", { class: "steps" }, ...steps.map((s) => step(o, s))),
    el("ul", { class: "mine-lines" }, ...o.items.map((l) => el("li", {}, lineWords(l)))),
    el(
      "footer",
      { class: "mine-foot" },
      el("span", {}, "Total " + money(o.total)),
      o.status === "placed" || o.status === "accepted" ? el("button", { class: "button is-quiet", type: "button", disabled: busy, onclick: () => cancel(o) }, busy ? "Cancelling" : "Cancel order") : null,
    ),
  );
}

function step(o: Order, s: (typeof steps)[number]): HTMLElement {
  const at = s.at(o);
  const current = o.status === s.status;
  return el(
    "li",
    { class: "step" + (at ? " is-done" : ""), "aria-current": current ? "step" : undefined },
    el("span", { class: "step-name" }, s.word),
    el("span", { class: "step-time" }, at ? clock(Date.parse(at)) : ""),
  );
}
