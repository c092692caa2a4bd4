import type { Order } from "../cafe";
import { el, fill, setAttr, setText } from "../ui/dom";
import { ageOf, expiresIn, lateMs } from "../ui/kitchen";
import { mark } from "../ui/mark";
import { age, departures, isAllergy, since } from "../ui/words";

/** A ticket on the wall. Ready ones are short: there is nothing left to make. */
export function ticket(): HTMLElement {
  return el("article", { class: "ticket" });
}

/** Fills a ticket from its order; cheap when nothing but time has passed. */
export function updateTicket(e: HTMLElement, o: Order, now: number): void {
  const version = JSON.stringify(o);
  if ((e as { version?: string }).version !== version) {
    (e as { version?: string }).version = version;
    build(e, o);
  }
  const { ms, part, age: a } = ageOf(o, now);
  const ready = o.status === "ready";
  const expires = expiresIn(o, now);
  setAttr(e, "data-age", ready ? "" : a);
  const bar = e.querySelector<HTMLElement>(".age-fill")!;
  bar.style.transform = "scaleY(" + (ready ? 0 : Math.round(part * 100) / 100) + ")";
  const clock = e.querySelector(".ticket-age")!;
  if (ready) {
    setText(clock, age(now - since(o)));
  } else if (expires) {
    setText(clock, "expires " + age(expires));
  } else if (a === "late") {
    setText(clock, "▲ +" + age(ms - lateMs));
  } else {
    setText(clock, age(ms));
  }
}

function build(e: HTMLElement, o: Order): void {
  e.setAttribute("data-status", o.status);
  const allergy = isAllergy(o.note);
  fill(
    e,
    el("span", { class: "age-bar", "aria-hidden": "true" }, el("span", { class: "age-fill" })),
    el(
      "header",
      { class: "ticket-head" },
      el("div", { class: "ticket-row" }, el("h3", { class: "ticket-number" }, String(o.number)), el("span", { class: "ticket-age" })),
      el(
        "div",
        { class: "ticket-row" },
        el("span", { class: "ticket-name" }, o.name || ""),
        // What is not begun in the lane of what is; else the lane says it.
        o.status === "accepted" ? el("span", { class: "ticket-status" }, mark(o.status), "Next") : null,
      ),
    ),
    o.status === "ready" ? null : body(o, allergy),
  );
}

function body(o: Order, allergy: boolean): HTMLElement {
  const lines = o.items.map((l) =>
    el(
      "li",
      { class: "line" },
      l.quantity > 1 ? el("span", { class: "line-count" }, l.quantity + " × ") : null,
      el("span", { class: "line-name" }, l.name),
      ...departures(l).map((d) => el("span", { class: "line-option" }, d)),
    ),
  );
  return el(
    "div",
    { class: "ticket-body" },
    allergy ? el("p", { class: "ticket-allergy" }, "! " + o.note) : null,
    el("ul", { class: "ticket-lines" }, ...lines),
    o.note && !allergy ? el("p", { class: "ticket-note" }, "“" + o.note + "”") : null,
  );
}
