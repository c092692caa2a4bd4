import type { Announcement } from "../cafe";
import type { Problem } from "../client/problem";
import { el, setText, sync } from "../ui/dom";
import { Sheet } from "../ui/sheet";
import { clock } from "../ui/words";

const minute = 60000;

/** Announcements: one line, for as long as it holds, and what is in force. */
export class Announce {
  private readonly sheet = new Sheet("announce");
  private readonly list = el("ul", { class: "told-list" });

  constructor(
    private readonly post: (text: string, until: string) => Promise<unknown>,
    private readonly withdraw: (a: Announcement) => void,
    private readonly now: () => number,
  ) {}

  open(all: Announcement[]): void {
    const text = el("input", { class: "input", id: "announce-text", maxlength: "280", autocomplete: "off" });
    const until = el(
      "select",
      { class: "input", id: "announce-until" },
      el("option", { value: "" }, "until withdrawn"),
      el("option", { value: "15" }, "for 15 minutes"),
      el("option", { value: "60" }, "for an hour"),
      el("option", { value: "240" }, "for four hours"),
    );
    const say = el("p", { class: "sheet-say", role: "alert" });
    const form = el("form", { id: "announce-form", class: "form", novalidate: true }, field("announce-text", "What everybody should know", text), field("announce-until", "How long", until), say);
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      const m = Number(until.value) * minute;
      this.post(text.value.trim(), m ? new Date(this.now() + m).toISOString() : "").then(
        () => {
          text.value = "";
          setText(say, "");
        },
        (p: Problem) => setText(say, p.message),
      );
    });
    this.paint(all);
    this.sheet.show([form, this.list], [el("button", { class: "button is-main", type: "submit", form: "announce-form" }, "Announce")]);
    this.sheet.open("Announcements");
  }

  paint(all: Announcement[]): void {
    sync(
      this.list,
      all,
      (a) => a.id,
      (a) =>
        el(
          "li",
          {},
          el("span", { class: "told-text" }, a.text, el("span", { class: "field-help" }, a.until ? "until " + clock(Date.parse(a.until)) : "until withdrawn")),
          el("button", { class: "button", type: "button", "aria-label": "Withdraw: " + a.text, onclick: () => this.withdraw(a) }, "Withdraw"),
        ),
    );
  }
}

/** Lets a screen on a wall in, by the code that it shows. */
export class Screens {
  private readonly sheet = new Sheet("screens");

  constructor(private readonly approve: (code: string, name: string) => Promise<unknown>) {}

  open(): void {
    const code = el("input", { class: "input code-input", id: "screen-code", inputmode: "numeric", autocomplete: "off", maxlength: "7" });
    const name = el("input", { class: "input", id: "screen-name", autocomplete: "off", maxlength: "40", value: "Kitchen TV" });
    const say = el("p", { class: "sheet-say", role: "status" });
    const form = el(
      "form",
      { id: "screen-form", class: "form", novalidate: true },
      el("p", { class: "sheet-about" }, "Open /display on the screen. It shows six digits."),
      field("screen-code", "Code on the screen", code),
      field("screen-name", "What to call it", name),
      say,
    );
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      const digits = code.value.replace(/\D/g, "");
      if (digits.length !== 6) {
        setText(say, "The code has six digits.");
        code.focus();
        return;
      }
      this.approve(digits, name.value.trim()).then(
        () => {
          code.value = "";
          setText(say, name.value.trim() + " is let in.");
        },
        (p: Problem) => setText(say, p.message),
      );
    });
    this.sheet.show([form], [el("button", { class: "button is-main", type: "submit", form: "screen-form" }, "Let it in")]);
    this.sheet.open("Screens");
  }
}

export function field(id: string, name: string, input: HTMLElement): HTMLElement {
  return el("div", { class: "field" }, el("label", { class: "field-name", for: id }, name), input);
}
