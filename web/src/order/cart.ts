import type { Item } from "../cafe";
import type { Problem } from "../client/problem";
import { el, type Child } from "../ui/dom";
import { Sheet } from "../ui/sheet";
import { count, money } from "../ui/words";
import { missing, mostOfOne, unitPrice, wishWords, type Wish } from "./basket";

/** What the sheet shows; the page owns it. */
export interface CartView {
  wishes: Wish[];
  items: Map<string, Item>;
  name: string;
  note: string;
  /** Whether an order is on its way and not answered. */
  sending: boolean;
  /** Whether one was sent and never answered: nothing may change until it is. */
  unanswered: boolean;
  problem?: Problem;
}

export interface CartActions {
  change(wishes: Wish[]): void;
  name(v: string): void;
  note(v: string): void;
  place(): void;
  discard(): void;
}

/** What all of it costs, in minor units, by the menu as it is now. */
export function totalOf(v: Pick<CartView, "wishes" | "items">): { amount: number; currency: string } {
  let amount = 0;
  let currency = "EUR";
  for (const w of v.wishes) {
    const i = v.items.get(w.item);
    if (i) {
      amount += unitPrice(i, w) * w.quantity;
      currency = i.price.currency;
    }
  }
  return { amount, currency };
}

/** The sheet with the basket, the name and the one button that orders. */
export class Cart {
  private readonly sheet = new Sheet("cart");
  private readonly name = el("input", { class: "input", id: "cart-name", autocomplete: "given-name", maxlength: "40", required: true });
  private readonly note = el("textarea", { class: "input", id: "cart-note", rows: "2", maxlength: "200" });
  private readonly lines = el("ul", { class: "cart-lines" });
  private readonly say = el("p", { class: "note is-bad", role: "alert", hidden: true });
  private readonly placeButton = el("button", { class: "button is-main", type: "submit", form: "cart-form" });
  private readonly discard = el("button", { class: "button", type: "button" }, "Do not order");
  private readonly form: HTMLFormElement;

  constructor(private readonly act: CartActions) {
    this.form = el(
      "form",
      { id: "cart-form", class: "cart-form", novalidate: true },
      this.lines,
      field("cart-name", "Your name", this.name, "Called out when it is ready"),
      field("cart-note", "Note", this.note, "Allergies, extra hot; the café reads it first"),
      this.say,
    );
    this.form.addEventListener("submit", (e) => {
      e.preventDefault();
      if (this.name.value.trim() === "") {
        this.tell("Tell us a name to call when it is ready.");
        this.name.focus();
        return;
      }
      this.act.place();
    });
    this.name.addEventListener("input", () => this.act.name(this.name.value));
    this.note.addEventListener("input", () => this.act.note(this.note.value));
    this.discard.addEventListener("click", () => this.act.discard());
  }

  open(v: CartView): void {
    this.name.value = v.name;
    this.note.value = v.note;
    this.paint(v);
    this.sheet.show([this.form], [this.discard, this.placeButton]);
    this.sheet.open("Your order");
  }

  close(): void {
    this.sheet.close();
  }

  get isOpen(): boolean {
    return this.sheet.isOpen;
  }

  paint(v: CartView): void {
    const locked = v.sending || v.unanswered;
    const focus = (document.activeElement as HTMLElement | null)?.getAttribute("data-focus");
    this.lines.replaceChildren(...v.wishes.map((w, i) => this.line(v, w, i, locked)));
    if (focus) {
      this.lines.querySelector<HTMLElement>(`[data-focus="${focus}"]`)?.focus();
    }
    this.name.disabled = this.note.disabled = locked;
    const gone = v.wishes.some((w) => missing(v.items.get(w.item), w) !== "");
    this.placeButton.disabled = v.sending || v.wishes.length === 0 || (gone && !v.unanswered);
    this.placeButton.textContent = v.sending ? "Sending" : v.unanswered ? "Try again" : "Place order · " + money(totalOf(v));
    this.placeButton.setAttribute("aria-busy", String(v.sending));
    this.discard.hidden = !v.unanswered || v.sending;
    this.tell(v.problem && !v.sending ? v.problem.message + (v.unanswered ? " It is ordered once, however often you press." : "") : "");
  }

  private tell(text: string): void {
    this.say.hidden = text === "";
    this.say.textContent = text;
  }

  private line(v: CartView, w: Wish, at: number, locked: boolean): HTMLElement {
    const i = v.items.get(w.item);
    const why = missing(i, w);
    const name = i ? i.name : w.item;
    const set = (quantity: number): void =>
      this.act.change(quantity < 1 ? v.wishes.filter((_, n) => n !== at) : v.wishes.map((x, n) => (n === at ? { ...x, quantity } : x)));
    const button = (label: string, sign: string, quantity: number, off: boolean): HTMLElement =>
      el("button", { class: "stepper-button", type: "button", "aria-label": label + " " + name, "data-focus": label + at, disabled: locked || off, onclick: () => set(quantity) }, sign);
    const rest: Child[] = i ? wishWords(i, w).map((o) => el("span", { class: "cart-option" }, o)) : [];
    return el(
      "li",
      { class: "cart-line" + (why ? " is-out" : "") },
      el("div", { class: "cart-text" }, el("span", { class: "cart-name" }, name), ...rest, why ? el("span", { class: "cart-why" }, why) : null),
      el(
        "div",
        { class: "stepper", role: "group", "aria-label": count(w.quantity, name, name) },
        button(w.quantity === 1 ? "Remove" : "Fewer", "−", w.quantity - 1, false),
        el("span", { class: "stepper-count" }, String(w.quantity)),
        button("More", "+", w.quantity + 1, w.quantity >= mostOfOne),
      ),
      el("span", { class: "cart-price" }, i ? money({ amount: unitPrice(i, w) * w.quantity, currency: i.price.currency }) : ""),
    );
  }
}

function field(id: string, name: string, input: HTMLElement, help: string): HTMLElement {
  input.setAttribute("aria-describedby", id + "-help");
  return el("div", { class: "field" }, el("label", { class: "field-name", for: id }, name), input, el("span", { class: "field-help", id: id + "-help" }, help));
}
