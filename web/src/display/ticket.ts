import type { Line, Order } from "../cafe";
import { el, fill, setAttr, setText, type Child } from "../ui/dom";
import { ageOf, expiresIn, lateMs } from "../ui/kitchen";
import { mark } from "../ui/mark";
import { age, count, departures, isAllergy, since } from "../ui/words";

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
  setAttr(e, "data-expires", expires ? "yes" : "");
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
  const name = el("span", { class: "ticket-name" }, o.name || "");
  const ready = o.status === "ready";
  fill(
    e,
    el("span", { class: "age-bar", "aria-hidden": "true" }, el("span", { class: "age-fill" })),
    el(
      "header",
      { class: "ticket-head" },
      el("div", { class: "ticket-row" }, el("h3", { class: "ticket-number" }, String(o.number)), ready ? null : name, el("span", { class: "ticket-age" })),
      ready && o.name ? el("div", { class: "ticket-row" }, name) : null,
    ),
    ready ? null : body(o),
  );
}

function body(o: Order): HTMLElement {
  const allergy = isAllergy(o.note);
  return el(
    "div",
    { class: "ticket-body" },
    allergy ? el("p", { class: "ticket-allergy" }, "! " + o.note) : null,
    // What is not begun in the lane of what is; else the lane says it.
    o.status === "accepted" ? el("p", { class: "ticket-status" }, mark(o.status), "Next") : null,
    el("ul", { class: "ticket-lines" }, ...o.items.map(line)),
    el("p", { class: "ticket-rest" }),
    o.note && !allergy ? el("p", { class: "ticket-note" }, "“" + o.note + "”") : null,
  );
}

/** A drink, and below it what differs from how it comes, on one line if it fits. */
function line(l: Line): HTMLElement {
  const options = departures(l);
  return el(
    "li",
    { class: "line" },
    l.quantity > 1 ? el("span", { class: "line-count" }, l.quantity + " × ") : null,
    el("span", { class: "line-name" }, l.name),
    options.length ? el("p", { class: "line-options" }, ...joined(options)) : null,
  );
}

/** The options with commas; a line breaks between two of them, if it can. */
function joined(options: string[]): Child[] {
  const out: Child[] = [];
  options.forEach((d, i) => out.push(el("span", { class: "line-option" }, d + (i < options.length - 1 ? "," : "")), " "));
  return out;
}

/**
 * Makes a ticket no higher than a column: first by smaller type, then by saying
 * how many of its lines are on the tablet only.
 */
export function squeeze(e: HTMLElement, height: number): void {
  const lines = Array.from(e.querySelectorAll<HTMLElement>(".line"));
  const rest = e.querySelector(".ticket-rest");
  const show = (n: number): boolean => {
    lines.forEach((l, i) => (l.hidden = i >= n));
    setText(rest!, n < lines.length ? "+" + count(lines.length - n, "more line") + " on the tablet" : "");
    return e.getBoundingClientRect().height <= height;
  };
  e.classList.remove("is-tight");
  e.style.maxHeight = "";
  if (!rest || show(lines.length)) {
    return;
  }
  e.classList.add("is-tight");
  let n = lines.length;
  while (!show(n) && n > 0) {
    n--;
  }
  e.style.maxHeight = height + "px"; // for windows too small for any ticket
}
