import type { Order } from "../cafe";
import { el, setText, sync } from "../ui/dom";
import { age } from "../ui/words";
import { place, type Box, type Places, type Room } from "./places";
import { squeeze, ticket, updateTicket } from "./ticket";

/**
 * A lane of tickets, oldest first, in columns that it is given. What does not
 * fit is counted, never scrolled and never cut: a ticket nobody can see must
 * not look like none.
 */
export class Lane {
  readonly section: HTMLElement;
  private readonly body = el("div", { class: "lane-body" });
  private readonly total = el("span", { class: "lane-count" });
  private readonly more = el("p", { class: "more" });
  private columns = 0;
  private places: Places = {};
  private waiting: Order[] = [];

  /** The words say, from the count and the age of the oldest, what does not fit. */
  constructor(name: string, disc: SVGElement, private readonly words: (waiting: string, oldest: string) => string) {
    const id = "lane-" + name.toLowerCase();
    const head = el("h2", { id, class: "lane-name" }, disc, name, this.total);
    this.section = el("section", { class: "lane", "aria-labelledby": id }, head, this.body, this.more);
  }

  /** Makes it so many columns wide; without any it is not there. */
  widen(columns: number): void {
    this.columns = columns;
    this.section.hidden = columns === 0;
    this.section.style.flexGrow = columns ? String(columns) : "";
  }

  get height(): number {
    return this.body.getBoundingClientRect().height;
  }

  /** Puts in as many tickets as so many columns could ever hold; place then shows what fits. */
  fill(orders: Order[], columns: number, now: number): void {
    setText(this.total, orders.length ? String(orders.length) : "");
    sync(this.body, orders.slice(0, columns * mostInColumn), (o) => o.id, ticket, (e, o) => updateTicket(e, o, now));
    this.tickets().forEach((e) => this.narrow(e));
  }

  /** What the tickets take of a column that is so high; what takes more is made to fit. */
  measure(height: number): Box[] {
    return this.tickets().map((e) => {
      squeeze(e, height);
      return { key: e.getAttribute("data-key")!, height: Math.min(height, e.getBoundingClientRect().height) };
    });
  }

  place(orders: Order[], boxes: Box[], room: Room, now: number): void {
    this.places = place(boxes, room, this.places);
    const shown = orders.filter((o) => this.places[o.id]);
    sync(this.body, shown, (o) => o.id, ticket);
    for (const e of this.tickets()) {
      const p = this.places[e.getAttribute("data-key")!];
      e.style.top = p.top + "px";
      e.style.left = (100 * (p.column - room.from)) / this.columns + "%";
      this.narrow(e);
    }
    this.waiting = orders.slice(shown.length);
    this.count(now);
  }

  /** Only time has passed. */
  tick(orders: Order[], now: number): void {
    const by: { [id: string]: Order } = {};
    for (const o of orders) {
      by[o.id] = o;
    }
    for (const e of this.tickets()) {
      const o = by[e.getAttribute("data-key")!];
      if (o) {
        updateTicket(e, o, now);
      }
    }
    this.count(now);
  }

  /** As wide as a column, less a ticket's margins. */
  private narrow(e: HTMLElement): void {
    e.style.width = "calc(" + 100 / this.columns + "% - var(--u) * 3)";
  }

  private tickets(): HTMLElement[] {
    return Array.from(this.body.children) as HTMLElement[];
  }

  private count(now: number): void {
    const w = this.waiting;
    setText(this.more, w.length ? this.words("+" + w.length + " waiting", age(now - Date.parse(w[0].placed_at))) : "");
  }
}

/** More tickets than this are never tried in one column: they cannot fit. */
const mostInColumn = 12;
