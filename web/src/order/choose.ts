import type { Choice, Item, OptionGroup } from "../cafe";
import { el } from "../ui/dom";
import { Sheet } from "../ui/sheet";
import { extra, money } from "../ui/words";
import { allergensOf, allergenWords, asItComes, missing, mostOfOne, unitPrice, type Wish } from "./basket";

/** The sheet on which an item is made one's own: everything on one page. */
export class Choose {
  private readonly sheet = new Sheet("choose");
  private item?: Item;
  private wish?: Wish;

  constructor(private readonly done: (w: Wish) => void) {}

  open(i: Item): void {
    this.item = i;
    this.wish = asItComes(i);
    this.paint();
    this.sheet.open(i.name);
  }

  /** The menu changed: what is sold out now must look so here, too. */
  refresh(i: Item | undefined): void {
    if (this.sheet.isOpen && i && this.item && i.id === this.item.id && JSON.stringify(i) !== JSON.stringify(this.item)) {
      this.item = i;
      this.paint();
    }
  }

  get itemID(): string {
    return this.item ? this.item.id : "";
  }

  private paint(): void {
    const i = this.item!;
    const w = this.wish!;
    const allergens = el("p", { class: "allergens" });
    const say = el("p", { class: "sheet-say", role: "status" });
    const addButton = el("button", { class: "button is-main", type: "button" });
    const quantity = el("output", { class: "stepper-count" });
    const fewer = el("button", { class: "stepper-button", type: "button", "aria-label": "Fewer" }, "−");
    const more = el("button", { class: "stepper-button", type: "button", "aria-label": "More" }, "+");
    const refresh = (): void => {
      const why = missing(i, w);
      allergens.textContent = allergenWords(allergensOf(i, w));
      say.textContent = why;
      addButton.disabled = why !== "";
      addButton.textContent = "Add · " + money({ amount: unitPrice(i, w) * w.quantity, currency: i.price.currency });
      quantity.textContent = String(w.quantity);
      fewer.disabled = w.quantity <= 1;
      more.disabled = w.quantity >= mostOfOne;
    };
    fewer.addEventListener("click", () => {
      w.quantity--;
      refresh();
    });
    more.addEventListener("click", () => {
      w.quantity++;
      refresh();
    });
    addButton.addEventListener("click", () => {
      this.sheet.close();
      this.done(w);
    });
    const sizes = i.sizes && i.sizes.length > 1 ? sizeGroup(i, w, refresh) : null;
    // A question with one answer is none.
    const groups = (i.options || []).filter((g) => g.choices.length > 1 || !g.default).map((g) => optionGroup(i, g, w, refresh));
    this.sheet.show(
      [i.description ? el("p", { class: "sheet-about" }, i.description) : null, allergens, say, sizes, ...groups],
      [el("div", { class: "stepper", role: "group", "aria-label": "How many" }, fewer, quantity, more), addButton],
    );
    refresh();
  }
}

function sizeGroup(i: Item, w: Wish, refresh: () => void): HTMLElement {
  const all = [...i.sizes!].sort((a, b) => a.extra - b.extra);
  return el(
    "fieldset",
    { class: "choices" },
    el("legend", {}, "Size"),
    ...all.map((s) =>
      choiceRow("radio", "size", s, i.price.currency, w.size === s.id, () => {
        w.size = s.id;
        refresh();
      }),
    ),
  );
}

function optionGroup(i: Item, g: OptionGroup, w: Wish, refresh: () => void): HTMLElement {
  const one = g.most === 1;
  const set = el("fieldset", { class: "choices" }, el("legend", {}, g.name + (one ? "" : " · up to " + g.most)));
  const bound = (): void => {
    const full = !one && (w.options[g.id] || []).length >= g.most;
    for (const input of Array.from(set.querySelectorAll("input"))) {
      const c = g.choices.find((x) => x.id === input.value)!;
      input.disabled = !c.available || (full && !input.checked);
    }
  };
  for (const c of g.choices) {
    const taken = (w.options[g.id] || []).includes(c.id);
    set.appendChild(
      choiceRow(one && g.default ? "radio" : "checkbox", g.id, c, i.price.currency, taken, (on) => {
        const now = w.options[g.id] || [];
        const next = one ? (on ? [c.id] : []) : on ? [...now, c.id] : now.filter((id) => id !== c.id);
        if (next.length) {
          w.options[g.id] = g.choices.map((x) => x.id).filter((id) => next.includes(id));
        } else {
          delete w.options[g.id];
        }
        if (one && on) {
          set.querySelectorAll("input").forEach((x) => (x.checked = x.value === c.id));
        }
        bound();
        refresh();
      }),
    );
  }
  bound();
  return set;
}

function choiceRow(type: string, group: string, c: Choice, currency: string, checked: boolean, change: (on: boolean) => void): HTMLElement {
  const input = el("input", { type, name: "choose-" + group, value: c.id, checked, disabled: !c.available });
  input.addEventListener("change", () => change(input.checked));
  return el(
    "label",
    { class: "choice" + (c.available ? "" : " is-out") },
    input,
    el("span", { class: "choice-name" }, c.name),
    el("span", { class: "choice-extra" }, c.available ? extra(c.extra, currency) : "Sold out"),
  );
}
