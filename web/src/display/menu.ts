import type { Item } from "../cafe";
import { el, fill } from "../ui/dom";
import { money } from "../ui/words";

/** The menu as an idle screen shows it. */
export function menuWall(): { element: HTMLElement; paint(items: Item[]): void } {
  const element = el("div", { class: "wall" });
  return {
    element,
    paint(items) {
      const sorted = items.slice().sort((a, b) => a.position - b.position);
      const names: string[] = [];
      for (const i of sorted) {
        if (names.indexOf(i.category) < 0) {
          names.push(i.category);
        }
      }
      fill(
        element,
        ...names.map((name) =>
          el(
            "section",
            { class: "wall-group" },
            el("h2", {}, name),
            el("ul", {}, ...sorted.filter((i) => i.category === name).map(row)),
          ),
        ),
      );
    },
  };
}

function row(i: Item): HTMLElement {
  return el(
    "li",
    { class: "wall-item" + (i.available ? "" : " is-out") },
    el("span", { class: "wall-name" }, i.name),
    el("span", { class: "wall-price" }, i.available ? money(i.price) : "sold out"),
  );
}
