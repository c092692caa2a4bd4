import type { Item } from "../cafe";
import { el, setAttr, setText, sync } from "../ui/dom";
import { Sheet } from "../ui/sheet";

/** The list that says what is sold out. Each switch can be undone where it was pressed. */
export class Stock {
  private readonly sheet = new Sheet("stock");
  private readonly list = el("div", { class: "stock" });

  constructor(private readonly set: (i: Item, available: boolean, remaining?: number) => void) {}

  open(items: Item[]): void {
    this.paint(items);
    this.sheet.show([el("p", { class: "sheet-about" }, "What you switch off is greyed on every phone at once."), this.list], []);
    this.sheet.open("Sold out");
  }

  paint(items: Item[]): void {
    const sorted = [...items].sort((a, b) => a.position - b.position);
    const categories = [...new Set(sorted.map((i) => i.category))];
    sync(
      this.list,
      categories,
      (c) => c,
      (c) => el("section", {}, el("h3", {}, c), el("ul", {})),
      (e, c) =>
        sync(
          e.querySelector("ul")!,
          sorted.filter((i) => i.category === c),
          (i) => i.id,
          (i) => this.row(i),
          (row, i) => this.update(row, i),
        ),
    );
  }

  private row(i: Item): HTMLElement {
    const button = el("button", { class: "stock-item", type: "button", role: "switch" }, el("span", { class: "stock-name" }, i.name), el("span", { class: "stock-left" }), el("span", { class: "stock-switch", "aria-hidden": "true" }));
    return el("li", {}, button);
  }

  private update(row: HTMLElement, i: Item): void {
    const button = row.querySelector("button")!;
    const on = i.available && i.remaining !== 0;
    setAttr(button, "aria-checked", String(on));
    setText(button.querySelector(".stock-left")!, !on ? "Sold out" : i.remaining !== undefined ? i.remaining + " left" : "");
    // What ran out is on again without a count: nobody has counted yet.
    button.onclick = () => this.set(i, !on, on ? i.remaining : i.remaining || undefined);
  }
}
