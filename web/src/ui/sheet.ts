import { el, fill, type Child } from "./dom";

/** A dialog that slides over the page: Escape, its cross and its ground close it. */
export class Sheet {
  readonly element: HTMLDialogElement;
  private readonly body = el("div", { class: "sheet-body" });
  private readonly foot = el("div", { class: "sheet-foot" });
  private readonly title: HTMLElement;

  constructor(id: string, private readonly closed: () => void = () => {}) {
    this.title = el("h2", { id: id + "-title", tabindex: "-1" });
    const close = el("button", { class: "sheet-close", type: "button", "aria-label": "Close", onclick: () => this.close() }, "×");
    this.element = el("dialog", { class: "sheet", id, "aria-labelledby": id + "-title" }, el("div", { class: "sheet-head" }, this.title, close), this.body, this.foot);
    this.element.addEventListener("click", (e) => {
      if (e.target === this.element) {
        this.close();
      }
    });
    this.element.addEventListener("close", () => this.closed());
    document.getElementById(id)?.remove(); // of an earlier sign-in
    document.body.appendChild(this.element);
  }

  get isOpen(): boolean {
    return this.element.open;
  }

  open(title: string): void {
    this.title.textContent = title;
    if (!this.element.open) {
      this.element.showModal();
      this.title.focus();
    }
  }

  show(body: Child[], foot: Child[]): void {
    fill(this.body, ...body);
    fill(this.foot, ...foot);
  }

  close(): void {
    if (this.element.open) {
      this.element.close();
    }
  }
}
