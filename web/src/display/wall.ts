import { el } from "../ui/dom";
import type { Lanes } from "../ui/kitchen";
import { mark } from "../ui/mark";
import { Lane } from "./lane";
import { share } from "./places";

/** How many columns New and Making share, by the metres that the screen hangs away. */
const columnsAt: { [distance: string]: number } = { "2": 4, "4.5": 2, "6": 2 };
const columnsElse = 3;

/**
 * The kitchen's lanes. New and Making share columns by need; Ready has a narrow
 * one. A ticket is as wide in either lane, so that its height is its own.
 */
export class Wall {
  private readonly fresh = new Lane("New", mark("placed"), oldest);
  private readonly making = new Lane("Making", mark("preparing"), oldest);
  private readonly ready = new Lane("Ready", mark("ready"), (waiting) => waiting);
  readonly element = el("div", { class: "lanes" }, this.fresh.section, this.making.section, this.ready.section);
  private readonly columns = columnsAt[document.documentElement.getAttribute("data-distance") || ""] || columnsElse;
  private split = 1;
  private laid = "";

  constructor() {
    this.ready.section.className += " is-narrow";
    this.ready.widen(1);
    this.open(1);
  }

  /** Everything around the lanes must be painted before: what it takes is not theirs. */
  paint(by: Lanes, now: number, changed: boolean): void {
    if (changed || this.laid !== this.size()) {
      this.lay(by, now);
      this.laid = this.size();
    } else {
      this.fresh.tick(by.new, now);
      this.making.tick(by.making, now);
      this.ready.tick(by.ready, now);
    }
  }

  private lay(by: Lanes, now: number): void {
    if (!by.new.length && !by.making.length) {
      this.open(1);
    } else if ((this.split === 0 && by.new.length) || (this.split === this.columns && by.making.length)) {
      this.open(1); // a lane that is not there cannot be measured
    }
    this.fresh.fill(by.new, this.columns, now);
    this.making.fill(by.making, this.columns, now);
    this.ready.fill(by.ready, 1, now);
    const height = this.height();
    const gap = this.gap();
    const fresh = this.fresh.measure(height);
    const making = this.making.measure(height);
    const ready = this.ready.measure(height);
    this.open(share(fresh, making, this.columns, height, gap, this.split));
    this.fresh.place(by.new, fresh, { from: 0, to: this.split, height, gap }, now);
    this.making.place(by.making, making, { from: this.split, to: this.columns, height, gap }, now);
    this.ready.place(by.ready, ready, { from: 0, to: 1, height, gap }, now);
  }

  private open(split: number): void {
    this.split = split;
    this.fresh.widen(split);
    this.making.widen(this.columns - split);
  }

  private height(): number {
    return Math.max(this.fresh.height, this.making.height);
  }

  /** The gap between two tickets, which the sheet has as a ticket's margin. */
  private gap(): number {
    const one = this.element.querySelector(".ticket");
    return one ? parseFloat(getComputedStyle(one).marginBottom) : 0;
  }

  private size(): string {
    return this.element.clientWidth + "x" + this.height();
  }
}

function oldest(waiting: string, age: string): string {
  return waiting + ", oldest " + age;
}
