import type { Commands } from "../client/commands";
import type { Problem } from "../client/problem";
import { add, el, setText } from "../ui/dom";

const askMs = 2000;

/** Shows a code until staff approve it; then calls done. Returns how to stop. */
export function pairing(root: HTMLElement, commands: Commands, done: () => void): () => void {
  const code = el("p", { class: "pair-code", "data-code": "" });
  const say = el("p", { class: "pair-say", role: "status" }, "Asking the hub for a code");
  root.setAttribute("data-trust", "live");
  add(
    root,
    el(
      "main",
      { class: "pair" },
      el("h1", {}, "Let this screen in"),
      code,
      el("ol", { class: "pair-steps" }, el("li", {}, "Open /barista on the tablet"), el("li", {}, "Press Screens"), el("li", {}, "Type this code")),
      say,
    ),
  );
  let timer = 0;
  let stopped = false;
  const later = (ms: number, fn: () => void): void => {
    if (!stopped) {
      timer = window.setTimeout(fn, ms);
    }
  };

  const ask = (): void => {
    commands.once<{ code: string; device: string; expires: string }>("POST", "/v1/pairing").then(
      (p) => {
        code.setAttribute("data-code", p.code);
        setText(code, p.code.slice(0, 3) + " " + p.code.slice(3));
        setText(say, "Waiting for approval");
        poll(p.code, p.device, Date.now() + 9.5 * 60000);
      },
      (e: Problem) => {
        setText(say, e.code === "unreachable" ? "The hub does not answer; trying again" : e.message);
        later(Math.max(3000, e.retryAfterMs), ask);
      },
    );
  };

  const poll = (c: string, device: string, end: number): void => {
    if (Date.now() > end) {
      ask(); // codes live ten minutes
      return;
    }
    later(askMs, () => {
      commands.once("POST", "/v1/session", { code: c, device }).then(done, (e: Problem) => {
        if (e.code === "pairing_pending" || e.passing) {
          setText(say, e.code === "unreachable" ? "The hub does not answer; trying again" : "Waiting for approval");
          later(e.retryAfterMs, () => poll(c, device, end));
        } else {
          ask();
        }
      });
    });
  };

  ask();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
