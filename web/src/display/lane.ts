import type { Order } from "../cafe";
import { el, setText, sync } from "../ui/dom";
import { clock } from "../ui/words";
import { ticket, updateTicket } from "./ticket";

/**
 * A lane of tickets, oldest first, in one or more columns. What does not fit is
 * counted, never scrolled: a ticket nobody can see must not look like none.
 */
export class Lane {
  readonly section: HTMLElement;
  private readonly columns: HTMLElement[] = [];
  private readonly total = el("span", { class: "lane-count" });
  private readonly more = el("p", { class: "more" });
  private layout = "";

  constructor(name: string, disc: SVGElement, columns: number) {
    const id = "lane-" + name.toLowerCase();
    const body = el("div", { class: "lane-columns" });
    for (let i = 0; i < columns; i++) {
      const c = el("div", { class: "lane-column" });
      this.columns.push(c);
      body.appendChild(c);
    }
    this.section = el("section", { class: "lane lane-" + columns, "aria-labelledby": id }, el("h2", { id, class: "lane-name" }, disc, name, this.total), body, this.more);
  }

  paint(orders: Order[], now: number, changed: boolean): void {
    setText(this.total, orders.length ? String(orders.length) : "");
    const size = window.innerWidth + "x" + window.innerHeight;
    if (changed || this.layout !== size) {
      this.layout = size;
      this.place(orders, now);
    } else {
      this.tick(orders, now);
    }
  }

  /** Only time has passed. */
  private tick(orders: Order[], now: number): void {
    const by: { [id: string]: Order } = {};
    for (const o of orders) {
      by[o.id] = o;
    }
    for (const c of this.columns) {
      for (const e of Array.from(c.children) as HTMLElement[]) {
        const o = by[e.getAttribute("data-key") || ""];
        if (o) {
          updateTicket(e, o, now);
        }
      }
    }
  }

  /** Fills the columns one after the other, each until it is full. */
  private place(orders: Order[], now: number): void {
    let rest = orders;
    for (const c of this.columns) {
      const most = rest.slice(0, mostInColumn);
      sync(c, most, (o) => o.id, ticket, (e, o) => updateTicket(e, o, now));
      let fits = 0;
      for (const e of Array.from(c.children) as HTMLElement[]) {
        if (fits > 0 && e.offsetTop + e.offsetHeight > c.offsetTop + c.clientHeight + 1) {
          break;
        }
        fits++;
      }
      sync(c, most.slice(0, fits), (o) => o.id, ticket);
      rest = rest.slice(fits);
    }
    setText(this.more, rest.length ? "+" + rest.length + " waiting, oldest " + clock(Date.parse(rest[0].placed_at)) : "");
  }
}

/** More tickets than this are never tried in one column: they cannot fit. */
const mostInColumn = 12;
