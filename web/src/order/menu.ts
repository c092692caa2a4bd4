import type { Item } from "../cafe";
import { el, fill, setAttr, sync } from "../ui/dom";
import { money } from "../ui/words";

/** The menu by category. What is sold out stays in its place, greyed. */
export class MenuList {
  readonly element = el("div", { class: "menu" });

  constructor(private readonly choose: (i: Item) => void) {}

  paint(items: Item[]): void {
    const sorted = [...items].sort((a, b) => a.position - b.position);
    const categories = [...new Set(sorted.map((i) => i.category))];
    sync(
      this.element,
      categories,
      (c) => c,
      (c) => el("section", { class: "category" }, el("h2", {}, c), el("ul", { class: "items" })),
      (e, c) =>
        sync(
          e.querySelector("ul")!,
          sorted.filter((i) => i.category === c),
          (i) => i.id,
          () => el("li", {}),
          (row, i) => this.row(row, i),
        ),
    );
  }

  private row(e: HTMLElement, i: Item): void {
    const version = JSON.stringify(i);
    if ((e as { version?: string }).version === version) {
      return;
    }
    (e as { version?: string }).version = version;
    const few = i.available && i.remaining !== undefined && i.remaining <= 5;
    const out = !i.available || i.remaining === 0;
    const old = e.querySelector("button");
    const button = old || el("button", { class: "item", type: "button" });
    button.onclick = () => {
      if (!out) {
        this.choose(i);
      }
    };
    button.className = "item" + (out ? " is-out" : "");
    setAttr(button, "aria-disabled", out ? "true" : "");
    fill(
      button,
      el("span", { class: "item-text" }, el("span", { class: "item-name" }, i.name), i.description ? el("span", { class: "item-about" }, i.description) : null),
      el("span", { class: "item-price" }, out ? "Sold out" : money(i.price), few ? el("span", { class: "item-few" }, i.remaining + " left") : null),
    );
    if (!old) {
      e.appendChild(button);
    }
  }
}
